import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity, type RunningProcess } from '../processes/child.ts';
import type { ServerName } from '../servers/binaries.ts';

export type Urls = {
  edges: string[];
  nats: string;
  database: string;
  redis: string;
  kaha: string;
  /** The stand-ins of providers show here the pushes that devices got. */
  pushes?: string;
};

/**
 * The record says what runs. `stack.json` is for everybody, and `launch.json` (private) serves to
 * start and stop processes.
 */
type StackRecord = {
  processes: RunningProcess[];
  /** A Docker engine runs these servers for the stack. */
  composed: ServerName[];
  urls: Urls;
};

/** While a stack starts, it has no urls, and only `launch.json` exists. */
export type LaunchRecord = Omit<StackRecord, 'urls'> & { urls?: Urls; starter: ProcessIdentity };

const PUBLIC_FIELDS = ['name', 'service', 'pid', 'port', 'admin_port', 'log'] as const;

export function writeStackFile(runDir: string, record: LaunchRecord): void {
  mkdirSync(runDir, { recursive: true });
  replaceFile(join(runDir, 'launch.json'), { text: JSON.stringify(record), mode: 0o600 });
  if (record.urls === undefined) return;
  const processes = record.processes.map((running) =>
    Object.fromEntries(
      PUBLIC_FIELDS.flatMap((field) => {
        const value = running[field];
        return value === undefined ? [] : [[field, value]];
      }),
    ),
  );
  const text = `${JSON.stringify({ processes, urls: record.urls }, null, 2)}\n`;
  replaceFile(join(runDir, 'stack.json'), { text, mode: 0o644 });
}

/** Puts a process that was started again in the place of the old one in the current file. */
export function replaceProcess(runDir: string, running: RunningProcess): void {
  const record = readLaunchFile(runDir);
  if (record === undefined) return;
  const processes = record.processes.map((old) => (old.name === running.name ? running : old));
  writeStackFile(runDir, { ...record, processes });
}

/**
 * Returns the stack of the folder, ready or not, or undefined if none of its processes is alive.
 */
export function readLaunchFile(runDir: string): LaunchRecord | undefined {
  const path = join(runDir, 'launch.json');
  if (!existsSync(path)) return undefined;
  const record = JSON.parse(readFileSync(path, 'utf8')) as LaunchRecord;
  const isStarting = record.urls === undefined && isAlive(record.starter);
  return isStarting || record.processes.some(isAlive) ? record : undefined;
}

/** Returns the stack of the folder. If there is none, throws an error that says so to a person. */
export function readStackFile(runDir: string): StackRecord {
  const record = readLaunchFile(runDir);
  if (record === undefined) throw new Error('No stack runs here; "npm run up" starts one.');
  if (record.urls === undefined) throw new Error('The stack has not finished starting.');
  return { ...record, urls: record.urls };
}

export function removeStackFile(runDir: string): void {
  for (const name of ['stack.json', 'launch.json']) rmSync(join(runDir, name), { force: true });
}

/**
 * Replaces the file in one step, so that a reader gets either the whole old file or the whole new
 * one.
 */
function replaceFile(path: string, { text, mode }: { text: string; mode: number }): void {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, text, { mode });
  renameSync(next, path);
}

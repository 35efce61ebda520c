import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity, type RunningProcess } from '../processes/child.ts';
import type { ServerName } from '../servers/binaries.ts';

export type Urls = { edges: string[]; nats: string; database: string; redis: string; kaha: string };

/** What runs: `stack.json` for everybody, `launch.json` (private) to start and stop it by. */
export type StackRecord = {
  processes: RunningProcess[];
  /** Servers that a Docker engine runs for us. */
  composed: ServerName[];
  urls: Urls;
};

/** While a stack starts it has no urls: then only `launch.json` is there. */
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

/** Puts one process that was started again in the place of the old one, as the file is now. */
export function replaceProcess(runDir: string, running: RunningProcess): void {
  const record = readLaunchFile(runDir);
  if (record === undefined) return;
  const processes = record.processes.map((old) => (old.name === running.name ? running : old));
  writeStackFile(runDir, { ...record, processes });
}

/** The stack of the folder, ready or not; undefined where nothing of it is alive. */
export function readLaunchFile(runDir: string): LaunchRecord | undefined {
  const path = join(runDir, 'launch.json');
  if (!existsSync(path)) return undefined;
  const record = JSON.parse(readFileSync(path, 'utf8')) as LaunchRecord;
  const isStarting = record.urls === undefined && isAlive(record.starter);
  return isStarting || record.processes.some(isAlive) ? record : undefined;
}

/** The stack of the folder; throws what a person should know where there is none. */
export function readStackFile(runDir: string): StackRecord {
  const record = readLaunchFile(runDir);
  if (record === undefined) throw new Error('No stack runs here; "npm run up" starts one.');
  if (record.urls === undefined) throw new Error('The stack has not finished starting.');
  return { ...record, urls: record.urls };
}

export function removeStackFile(runDir: string): void {
  for (const name of ['stack.json', 'launch.json']) rmSync(join(runDir, name), { force: true });
}

/** Whoever reads meanwhile reads the old one or the new one, whole. */
function replaceFile(path: string, { text, mode }: { text: string; mode: number }): void {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, text, { mode });
  renameSync(next, path);
}

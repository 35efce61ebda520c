import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type RunningProcess } from './child.ts';

export type Urls = { edges: string[]; nats: string; database: string; redis: string; kaha: string };

/** What runs: `stack.json` for everybody, `launch.json` (private) to start and stop it by. */
export type StackRecord = { processes: RunningProcess[]; urls: Urls };

const PUBLIC_FIELDS = ['name', 'service', 'pid', 'port', 'admin_port', 'log'] as const;

export function writeStackFile(runDir: string, record: StackRecord): void {
  mkdirSync(runDir, { recursive: true });
  const processes = record.processes.map((running) =>
    Object.fromEntries(
      PUBLIC_FIELDS.flatMap((field) => {
        const value = running[field];
        return value === undefined ? [] : [[field, value]];
      }),
    ),
  );
  const text = `${JSON.stringify({ processes, urls: record.urls }, null, 2)}\n`;
  writeFileSync(join(runDir, 'launch.json'), JSON.stringify(record), { mode: 0o600 });
  writeFileSync(join(runDir, 'stack.json'), text);
}

/** The stack of the folder; undefined where none was started or nothing of it is alive. */
export function readStackFile(runDir: string): StackRecord | undefined {
  const path = join(runDir, 'launch.json');
  if (!existsSync(path)) return undefined;
  const record = JSON.parse(readFileSync(path, 'utf8')) as StackRecord;
  return record.processes.some(isAlive) ? record : undefined;
}

export function removeStackFile(runDir: string): void {
  for (const name of ['stack.json', 'launch.json']) rmSync(join(runDir, name), { force: true });
}

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How a process is started, and started again: everything that `--only` needs. */
export type ProcessSpec = {
  name: string;
  service: string;
  command: string;
  args: string[];
  /** The whole environment of the process. */
  env: Record<string, string>;
  port?: number;
  admin_port?: number;
  log: string;
  /** Ready when this URL answers 200, or this port accepts. */
  ready: { url: string } | { port: number };
  /** SIGTERM unless the server knows a better one. */
  stopSignal?: NodeJS.Signals;
};

export type RunningProcess = ProcessSpec & { pid: number; startedAt: string };

/** A command line as a program and its arguments. */
export function commandOf(words: readonly string[]): { command: string; args: string[] } {
  const [command, ...args] = words;
  if (command === undefined) throw new Error('an empty command');
  return { command, args };
}

const POLL_MS = 50;
const LOG_TAIL_LINES = 15;

/** Starts it in a session of its own, its output in the log file. The pid is the process itself. */
export function launch(spec: ProcessSpec): RunningProcess {
  mkdirSync(dirname(spec.log), { recursive: true });
  const log = openSync(spec.log, 'a');
  const child = spawn(spec.command, spec.args, {
    env: spec.env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => {});
  child.unref();
  if (child.pid === undefined) throw new Error(`${spec.name}: cannot start ${spec.command}`);
  return { ...spec, pid: child.pid, startedAt: startTime(child.pid) ?? '' };
}

/** Resolves once it is ready; rejects with its last log lines if it ends or takes too long. */
export async function untilReady(running: RunningProcess, deadlineMs: number): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (Date.now() < end) {
    if (await isReady(running.ready)) return;
    if (!isAlive(running)) throw new Error(`${running.name} ended:\n${logTail(running.log)}`);
    await delay(POLL_MS);
  }
  const seconds = deadlineMs / 1000;
  throw new Error(`${running.name} not ready within ${seconds} s:\n${logTail(running.log)}`);
}

/** Stops it and resolves once it is gone: by its signal, after `deadlineMs` by SIGKILL. */
export async function stop(running: RunningProcess, deadlineMs = 20_000): Promise<void> {
  sendSignal(running, 'SIGCONT');
  sendSignal(running, running.stopSignal ?? 'SIGTERM');
  const end = Date.now() + deadlineMs;
  while (isAlive(running)) {
    if (Date.now() > end) sendSignal(running, 'SIGKILL');
    await delay(POLL_MS);
  }
}

/** False where the process is gone, also where its pid belongs to another by now. */
export function isAlive({ pid, startedAt }: { pid: number; startedAt: string }): boolean {
  const time = startTime(pid);
  return time !== undefined && (startedAt === '' || time === startedAt);
}

/** Does nothing to a pid that belongs to another process by now. */
export function sendSignal(running: RunningProcess, signal: NodeJS.Signals): void {
  if (isAlive(running)) process.kill(running.pid, signal);
}

/** Start time in clock ticks since boot: with the pid it names a process for good. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

async function isReady(ready: ProcessSpec['ready']): Promise<boolean> {
  if ('port' in ready) return accepts(ready.port);
  try {
    const response = await fetch(ready.url, { signal: AbortSignal.timeout(2_000) });
    return response.status === 200;
  } catch {
    return false;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export function logTail(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  } catch {
    return '(no log)';
  }
}

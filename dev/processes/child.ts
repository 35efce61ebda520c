import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Readiness, whatLacks } from './readiness.ts';

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
  ready: Readiness;
  /** SIGTERM unless the server knows a better one. */
  stopSignal?: NodeJS.Signals;
};

/** A process for good: a pid alone may belong to another one by tomorrow. */
export type ProcessIdentity = { pid: number; startedAt: string };
export type RunningProcess = ProcessSpec & ProcessIdentity;

/** A command line as a program and its arguments. */
export function commandOf(words: readonly string[]): { command: string; args: string[] } {
  const [command, ...args] = words;
  if (command === undefined) throw new Error('an empty command');
  return { command, args };
}

const POLL_MS = 50;
const LOG_TAIL_LINES = 15;
/** Becomes what it starts: the pid stays. */
export const SETPRIV = '/usr/bin/setpriv';

/**
 * Starts it in a session of its own, its output in the log file. The pid is the process itself.
 * `bound`: when we end, however that comes, the kernel gives it its stop signal.
 */
export function launch(spec: ProcessSpec, { bound = false } = {}): RunningProcess {
  mkdirSync(dirname(spec.log), { recursive: true });
  const { command, args } = bound && canBind() ? boundCommand(spec) : spec;
  const log = openSync(spec.log, 'a');
  const child = spawn(command, args, {
    env: spec.env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  // Without a pid there is an error event too, which would end us.
  child.on('error', (error) => void error);
  child.unref();
  if (child.pid === undefined) throw new Error(`${spec.name}: cannot start ${spec.command}`);
  return { ...spec, pid: child.pid, startedAt: startTime(child.pid) ?? '' };
}

/** Resolves once it is ready; rejects with its last log lines if it ends or takes too long. */
export async function untilReady(
  running: RunningProcess,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  let lacks: string | undefined;
  while (Date.now() < end) {
    signal?.throwIfAborted();
    lacks = await whatLacks(running.ready);
    if (!isAlive(running)) throw new Error(`${running.name} ended:\n${logTail(running.log)}`);
    if (lacks === undefined) return;
    await delay(POLL_MS);
  }
  const seconds = deadlineMs / 1_000;
  const why = `${running.name} is not ready after ${seconds} s: ${lacks}`;
  throw new Error(`${why}\n${logTail(running.log)}`);
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
export function isAlive({ pid, startedAt }: ProcessIdentity): boolean {
  const time = startTime(pid);
  return time !== undefined && (startedAt === '' || time === startedAt);
}

/** Does nothing to a pid that belongs to another process by now. */
export function sendSignal(running: RunningProcess, signal: NodeJS.Signals): void {
  try {
    if (isAlive(running)) process.kill(running.pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startedAt: startTime(process.pid) ?? '' };
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

/** A change of account undoes the binding: where there is one, the same setpriv does both. */
function boundCommand(spec: ProcessSpec): { command: string; args: string[] } {
  const binding = ['--pdeathsig', (spec.stopSignal ?? 'SIGTERM').slice('SIG'.length)];
  if (spec.command === SETPRIV) return { command: SETPRIV, args: [...binding, ...spec.args] };
  return { command: SETPRIV, args: [...binding, '--', spec.command, ...spec.args] };
}

let bindable: boolean | undefined;

/** util-linux has it, busybox does not. */
function canBind(): boolean {
  bindable ??= spawnSync(SETPRIV, ['--pdeathsig', 'clear', 'true']).status === 0;
  return bindable;
}

export function logTail(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  } catch {
    return '(no log)';
  }
}

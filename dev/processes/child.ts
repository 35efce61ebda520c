import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Readiness, whatLacks } from './readiness.ts';

/**
 * A spec says how a process is started. It has everything that `--only` needs to start it again.
 */
export type ProcessSpec = {
  name: string;
  service: string;
  command: string;
  args: string[];
  /** The process gets this environment and no other variables. */
  env: Record<string, string>;
  port?: number;
  admin_port?: number;
  log: string;
  ready: Readiness;
  /** The signal is SIGTERM unless the server knows a better one. */
  stopSignal?: NodeJS.Signals;
};

/** An identity names a process for good. A pid alone may belong to another process by tomorrow. */
export type ProcessIdentity = { pid: number; startedAt: string };
export type RunningProcess = ProcessSpec & ProcessIdentity;

/** Splits a command line into a program and its arguments. */
export function commandOf(words: readonly string[]): { command: string; args: string[] } {
  const [command, ...args] = words;
  if (command === undefined) throw new Error('an empty command');
  return { command, args };
}

const POLL_MS = 50;
const LOG_TAIL_LINES = 15;
/** setpriv becomes the program that it starts, so the pid stays. */
export const SETPRIV = '/usr/bin/setpriv';

/**
 * Starts the process in its own session, with its output in the log file. The pid is that of the
 * process itself. With `bound` the kernel sends the process its stop signal when this process ends,
 * however that comes.
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
  // A child without a pid also emits an error event, which would end this process.
  child.on('error', (error) => void error);
  child.unref();
  if (child.pid === undefined) throw new Error(`${spec.name}: cannot start ${spec.command}`);
  return { ...spec, pid: child.pid, startedAt: startTime(child.pid) ?? '' };
}

/**
 * Resolves once the process is ready. Rejects with its last log lines if it ends or takes too long.
 */
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

/** Stops the process by its signal, and after `deadlineMs` by SIGKILL. Resolves once it is gone. */
export async function stop(running: RunningProcess, deadlineMs = 20_000): Promise<void> {
  sendSignal(running, 'SIGCONT');
  sendSignal(running, running.stopSignal ?? 'SIGTERM');
  const end = Date.now() + deadlineMs;
  while (isAlive(running)) {
    if (Date.now() > end) sendSignal(running, 'SIGKILL');
    await delay(POLL_MS);
  }
}

/**
 * Tells whether the process still runs. A pid that now belongs to another process does not count.
 */
export function isAlive({ pid, startedAt }: ProcessIdentity): boolean {
  const time = startTime(pid);
  return time !== undefined && (startedAt === '' || time === startedAt);
}

/** Sends the signal, but not to a pid that now belongs to another process. */
export function sendSignal(running: RunningProcess, signal: NodeJS.Signals): void {
  try {
    if (isAlive(running)) process.kill(running.pid, signal);
  } catch (error) {
    // The process ended between the check and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startedAt: startTime(process.pid) ?? '' };
}

/**
 * Returns the start time in clock ticks since boot. Together with the pid it names a process for
 * good.
 */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, threads] = [fields[0], Number(fields[17])];
    // The first thread of a killed process may be gone while others still hold its ports.
    return state === 'Z' && threads <= 1 ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/**
 * Builds the command of a bound process. A change of account undoes the binding, so for such a
 * command the same setpriv does both.
 */
function boundCommand(spec: ProcessSpec): { command: string; args: string[] } {
  const binding = ['--pdeathsig', (spec.stopSignal ?? 'SIGTERM').slice('SIG'.length)];
  if (spec.command === SETPRIV) return { command: SETPRIV, args: [...binding, ...spec.args] };
  return { command: SETPRIV, args: [...binding, '--', spec.command, ...spec.args] };
}

let bindable: boolean | undefined;

/**
 * Tells whether setpriv can bind a process. The setpriv of util-linux can, and the one of busybox
 * cannot.
 */
function canBind(): boolean {
  bindable ??= spawnSync(SETPRIV, ['--pdeathsig', 'clear', 'true']).status === 0;
  return bindable;
}

function logTail(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  } catch {
    return '(no log)';
  }
}

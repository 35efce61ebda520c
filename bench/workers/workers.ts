import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallName, FromWorker, Progress, WorkerCalls } from './worker-calls.ts';

type Waiting = { resolve(result: unknown): void; reject(error: Error): void };
type Worker = { child: ChildProcess; waiting: Map<CallName, Waiting>; progress: Progress };

const WORKER_PATH = fileURLToPath(
  new URL(`./worker-main${extname(import.meta.url)}`, import.meta.url),
);
const NO_PROGRESS: Progress = {
  ready: 0,
  waiting: 0,
  dead: 0,
  away: 0,
  sent: 0,
  acknowledged: 0,
  delivered: 0,
  events: 0,
  backlogMs: 0,
};

/**
 * These are the processes of the generator. A worker has at most one unanswered call of each kind.
 */
export class Workers {
  readonly #workers: readonly Worker[];

  constructor(count: number) {
    this.#workers = Array.from({ length: count }, start);
  }

  get pids(): number[] {
    return this.#workers.map(({ child }) => child.pid ?? 0);
  }

  /** Asks all workers. `argumentOf` gets the number of the worker. Rejects if one fails. */
  call<Name extends CallName>(
    call: Name,
    argumentOf: (worker: number) => WorkerCalls[Name]['argument'],
  ): Promise<WorkerCalls[Name]['result'][]> {
    const calls = this.#workers.map(
      ({ child, waiting }, index) =>
        new Promise<WorkerCalls[Name]['result']>((resolve, reject) => {
          waiting.set(call, { resolve: resolve as Waiting['resolve'], reject });
          child.send({ call, argument: argumentOf(index) });
        }),
    );
    return Promise.all(calls);
  }

  /** Returns what the workers last told, summed up. */
  progress(): Progress {
    const all = this.#workers.map(({ progress }) => progress);
    const sum = (name: keyof Progress): number =>
      all.reduce((total, progress) => total + progress[name], 0);
    return {
      ready: sum('ready'),
      waiting: sum('waiting'),
      dead: sum('dead'),
      away: sum('away'),
      sent: sum('sent'),
      acknowledged: sum('acknowledged'),
      delivered: sum('delivered'),
      events: sum('events'),
      backlogMs: Math.max(...all.map(({ backlogMs }) => backlogMs)),
    };
  }

  /** Ends the workers, whatever they do. */
  end(): void {
    for (const { child } of this.#workers) if (child.connected) child.disconnect();
  }
}

function start(): Worker {
  const child = fork(WORKER_PATH, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const worker: Worker = { child, waiting: new Map(), progress: NO_PROGRESS };
  child.on('message', (message: FromWorker) => receive(worker, message));
  child.on('exit', (code) => {
    const error = new Error(`a process of the generator ended: ${code}`);
    for (const { reject } of worker.waiting.values()) reject(error);
  });
  return worker;
}

function receive(worker: Worker, message: FromWorker): void {
  if ('progress' in message) {
    worker.progress = message.progress;
    return;
  }
  const call = 'done' in message ? message.done : message.failed;
  const waiting = worker.waiting.get(call);
  worker.waiting.delete(call);
  if ('done' in message) waiting?.resolve(message.result);
  else waiting?.reject(new Error(message.reason));
}

import { BenchWorker } from './worker.ts';
import type { FromWorker, ToWorker } from './worker-calls.ts';

/** This is a process of the generator. The main process tells it what to do, and ends it. */
const PROGRESS_MS = 500;
let worker: BenchWorker | undefined;

process.on('message', (message: ToWorker) => void answer(message));
process.on('disconnect', () => process.exit(0));
// The main process may have ended while this one was loading, and nobody is told of that again.
if (!process.connected) process.exit(0);
// Ctrl-C reaches every process of the terminal, but the main process decides.
process.on('SIGINT', () => undefined);
setInterval(() => {
  if (worker !== undefined) tell({ progress: worker.progress() });
}, PROGRESS_MS);

async function answer(message: ToWorker): Promise<void> {
  const { call } = message;
  try {
    tell({ done: call, result: await carryOut(message) });
  } catch (error) {
    tell({ failed: call, reason: (error as Error).message });
  }
}

async function carryOut(message: ToWorker): Promise<unknown> {
  if (message.call === 'prepare') {
    worker = await BenchWorker.prepare(message.argument);
    return process.pid;
  }
  if (worker === undefined) throw new Error('not prepared');
  switch (message.call) {
    case 'visit':
      return worker.visit();
    case 'connect':
      return worker.connect();
    case 'converse':
      return worker.converse();
    case 'run':
      return worker.run(message.argument);
    case 'loseEdge':
      return worker.loseEdge(message.argument);
    case 'finish':
      return worker.finish();
  }
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

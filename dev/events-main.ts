import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectNats } from '../shared/nats/nats-connection.ts';
import { printFeed } from './feed/print-feed.ts';
import { readStackFile } from './stack/stack-file.ts';

const HELP = `Prints the feed of the running stack as it flows: each durable event once all devices
that it is for have answered, one JSON object a line (shared/contracts/feed.ts).

  npm run -s events

The feed has ids and no contents. An event can come more than once, and in any order. A gap or a
lost connection is told on stderr. Ctrl-C ends it.
`;

const RUN_DIR = '.run';
const DATA_DIR = '.data';
/** The command ends so long after Ctrl-C even if NATS does not answer. */
const END_MS = 4_000;

try {
  await printEvents();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

async function printEvents(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', default: false } } });
  if (values.help) return void process.stdout.write(HELP);
  const { urls } = readStackFile(RUN_DIR);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());
  // The reader of a pipe has gone: `npm run -s events | head`.
  process.stdout.on('error', () => ending.abort());
  const nkeySeed = readFileSync(join(DATA_DIR, 'nats', 'setup.seed'), 'utf8').trim();
  const user = { natsUser: 'setup', instance: 'events', nkeySeed };
  const nc = await Promise.race([connectNats({ url: urls.nats, ...user }), aborted(ending.signal)]);
  if (nc === undefined) process.exit(0);
  const printing = printFeed({
    ...{ nc, out: process.stdout, signal: ending.signal },
    say: (text) => void process.stderr.write(`${text}\n`),
  });
  await Promise.race([printing, aborted(ending.signal).then(() => delay(END_MS))]);
  process.exit(0);
}

/** Resolves with nothing once the signal aborts. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

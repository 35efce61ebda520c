import type { Writable } from 'node:stream';
import { type Consumer, Events, type JsMsg, type NatsConnection } from 'nats';
import { pause } from '../../shared/concurrency/pause.ts';
import type { FeedBatch } from '../../shared/contracts/feed.ts';
import { jetStreamApi, streams } from '../../shared/contracts/subjects.ts';
import { judgeSequence, storedAt } from '../../shared/feed/judge-sequence.ts';
import { newId } from '../../shared/ids.ts';
import { pull } from '../../shared/nats/pull.ts';

type Watching = {
  /** The connection is of the NATS user `setup`, because only that user makes consumers. */
  nc: NatsConnection;
  /** Gets one event a line. */
  out: Writable;
  /** Hears in plain words of what is missing. */
  say: (text: string) => void;
  /** Ends the watching. */
  signal: AbortSignal;
};

/** The last batch that has been printed. */
type Printed = { seq: number; stored_at: string };

const BATCHES_MAX = 8;
const HEAL_MS = 1_000;
const REQUEST_MS = 2_000;
const SECOND_NS = 1_000_000_000;
/** A durable that nobody uses for this long ends by itself. */
const INACTIVE_NS = 300 * SECOND_NS;
const CONSUMER_NOT_FOUND = 10014;

/**
 * Prints the feed from now on, by a durable of its own that it deletes in the end. The durable lets
 * it go on where it was after NATS has been away. Resolves once the signal aborts.
 */
export async function printFeed(watching: Watching): Promise<void> {
  const { nc, say, signal } = watching;
  const name = `watch-${newId<string>().slice(0, 8)}`;
  void sayOutages(nc, say);
  await makeConsumer(nc, name);
  let consumer: Consumer | undefined;
  let done: Printed | undefined;
  while (!signal.aborted && !nc.isClosed()) {
    try {
      consumer ??= await nc.jetstream().consumers.get(streams.events, name);
      for (const message of await pull(consumer, BATCHES_MAX)) {
        done = await print(message, { ...watching, done });
      }
    } catch (error) {
      consumer = undefined;
      if (isGone(error)) await makeAgain(watching, name);
      await pause(HEAL_MS, signal);
    }
  }
  await deleteConsumer(watching, name);
}

/** Prints a batch unless it has been printed. Resolves with the last batch printed. */
async function print(
  message: JsMsg,
  { out, say, signal, done }: Watching & { done: Printed | undefined },
): Promise<Printed> {
  const judgement = done === undefined ? 'next' : judgeSequence(done, message);
  if (done !== undefined && judgement === 'known') {
    message.ack();
    return done;
  }
  if (judgement === 'gap') say(`Gap: events are missing before batch ${message.seq}.`);
  const lines = message.json<FeedBatch>().events.map((event) => `${JSON.stringify(event)}\n`);
  if (lines.length > 0 && !out.write(lines.join(''))) await drained(out, signal);
  message.ack();
  return { seq: message.seq, stored_at: storedAt(message) };
}

/** Resolves once the output takes more, or the watching ends. */
function drained(out: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    out.once('drain', resolve);
    out.once('error', () => resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function makeConsumer(nc: NatsConnection, name: string): Promise<void> {
  const config = {
    durable_name: name,
    description: 'npm run events',
    ...{ ack_policy: 'explicit', deliver_policy: 'new' },
    ...{ ack_wait: 30 * SECOND_NS, max_ack_pending: 64, max_deliver: -1 },
    inactive_threshold: INACTIVE_NS,
  };
  await ask(nc, `CONSUMER.DURABLE.CREATE.${streams.events}.${name}`, {
    stream_name: streams.events,
    config,
  });
}

async function makeAgain({ nc, say }: Watching, name: string): Promise<void> {
  try {
    await makeConsumer(nc, name);
    say('Gap: NATS has forgotten this reader, so events are missing before the next one.');
  } catch (error) {
    say(`The feed cannot be read: ${(error as Error).message}`);
  }
}

async function deleteConsumer({ nc, say }: Watching, name: string): Promise<void> {
  try {
    await ask(nc, `CONSUMER.DELETE.${streams.events}.${name}`, {});
  } catch {
    say(`NATS does not answer, so the durable ${name} ends by itself within 5 minutes.`);
  }
}

async function ask(nc: NatsConnection, op: string, body: object): Promise<void> {
  const msg = await nc.request(jetStreamApi(op), JSON.stringify(body), { timeout: REQUEST_MS });
  const { error } = msg.json<{ error?: { description: string } }>();
  if (error !== undefined) throw new Error(error.description);
}

function isGone(error: unknown): boolean {
  const { api_error } = error as { api_error?: { err_code?: number } };
  return api_error?.err_code === CONSUMER_NOT_FOUND;
}

async function sayOutages(nc: NatsConnection, say: (text: string) => void): Promise<void> {
  for await (const { type } of nc.status()) {
    if (type === Events.Disconnect) say('The connection to NATS is lost; waiting for it.');
    if (type === Events.Reconnect) say('NATS is connected again.');
  }
}

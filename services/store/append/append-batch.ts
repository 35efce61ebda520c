import { setTimeout as delay } from 'node:timers/promises';
import { KahaError } from '../../../shared/errors.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { classifyFailure, toKahaError } from '../database/database-error.ts';
import type { AppendRow, BatchWriter, SealedMessage } from './append-writer.ts';
import type { Outage } from './outage.ts';

/** One send waits to be written; `resolve` or `reject` is called exactly once. */
export type Waiting = {
  message: SealedMessage;
  bytes: number;
  /** Nobody waits for the send after this time, by `steadyMs`. */
  deadlineAt: number;
  resolve: (row: AppendRow) => void;
  reject: (error: unknown) => void;
};

export const BATCH_ROWS_MAX = 500;
export const BATCH_BYTES_MAX = 512 * 1024;
/** A row takes about this much beside its content, for ids, positions and index entries. */
const ROW_BYTES = 200;

export function bytesOf({ content, metadata }: SealedMessage): number {
  return ROW_BYTES + content.length + (metadata?.length ?? 0);
}

/**
 * The call takes the next batch off the queue, sorted by conversation, and by arrival within a
 * conversation. A second send with a key that the batch already has stays for the next batch, where
 * it is a repeat of a committed send.
 */
export function takeBatch(queue: Waiting[]): Waiting[] {
  const batch: Waiting[] = [];
  const left: Waiting[] = [];
  const keys = new Set<string>();
  let bytes = 0;
  let index = 0;
  for (; index < queue.length && batch.length < BATCH_ROWS_MAX; index += 1) {
    const waiting = queue[index] as Waiting;
    if (batch.length > 0 && bytes + waiting.bytes > BATCH_BYTES_MAX) break;
    const { conversation_id, sender_id, client_msg_id } = waiting.message;
    const key = `${conversation_id}${sender_id}${client_msg_id}`;
    if (keys.has(key)) {
      left.push(waiting);
    } else {
      keys.add(key);
      bytes += waiting.bytes;
      batch.push(waiting);
    }
  }
  queue.splice(0, index, ...left);
  return batch.length > 1 ? batch.sort(byConversation) : batch;
}

function byConversation(a: Waiting, b: Waiting): number {
  const [left, right] = [a.message.conversation_id, b.message.conversation_id];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A batch that met a deadlock or a missing partition is written so often at most. */
const TRIES_MAX = 3;
const CLASH_BACK_OFF_MS = 10;
/** The waits for a Postgres that is gone are 200 ms and then 600 ms, see `Outage`. */
const GONE_BACK_OFF_MS = { first: 200, max: 600 };
const JITTER = 0.3;

/**
 * The call writes a batch and settles each send in it, but for sends whose rows others have locked:
 * it returns those unsettled. After a deadlock or a missing partition it writes the batch again, at
 * most 3 times in all. While Postgres is gone or takes no writes, it writes the batch again for the
 * first 1.4 s of the outage, and within the deadline of each send, which then gets
 * DATABASE_UNAVAILABLE; later in the outage it writes a batch once. If Postgres refuses a value, it
 * writes the batch in halves, until the refused send is alone and harms no other. A send whose
 * deadline has passed is not written. If a lost connection leaves open whether a batch was
 * committed, the next try may meet the batch's own keys; such a send is `ok`.
 */
export async function settleBatch(
  writer: BatchWriter,
  batch: readonly Waiting[],
  wait: boolean,
): Promise<Waiting[]> {
  let live = refuseLate(batch);
  for (let tries = 1; live.length > 0; tries += 1) {
    try {
      const messages = live.map(({ message }) => message);
      const rows = await writer.write(messages, wait);
      writer.outage.end();
      return settleRows(live, rows);
    } catch (error) {
      const failure = classifyFailure(error);
      if (failure === 'data' && live.length > 1) return settleHalves(writer, live, wait);
      if (failure === 'locked' && !wait) return live; // The row of any send may be locked.
      if (failure === 'no_partition') await ensureOrIgnore(writer);
      const pauseMs = pauseBefore({ failure, tries, outage: writer.outage });
      live = refuseLate(live, steadyMs() + pauseMs, toKahaError(error));
      if (live.length > 0) await delay(pauseMs);
    }
  }
  return [];
}

/** Returns the sends whose deadline is later than this time, and refuses the others. */
function refuseLate(
  batch: readonly Waiting[],
  atMs = steadyMs(),
  refusal = new KahaError('TIMEOUT', 'Too late'),
): Waiting[] {
  for (const { deadlineAt, reject } of batch) if (deadlineAt <= atMs) reject(refusal);
  return batch.filter(({ deadlineAt }) => deadlineAt > atMs);
}

type Failed = { failure: ReturnType<typeof classifyFailure>; tries: number; outage: Outage };

/** The next try comes after this time, or never. */
function pauseBefore({ failure, tries, outage }: Failed): number {
  const jitter = 1 + (Math.random() - 0.5) * JITTER;
  const growth = 3 ** (tries - 1);
  const { first, max } = GONE_BACK_OFF_MS;
  if (failure === 'gone') {
    const pauseMs = Math.min(first * growth, max) * jitter;
    const nowMs = steadyMs();
    return outage.mayWait(nowMs, nowMs + pauseMs) ? pauseMs : Number.POSITIVE_INFINITY;
  }
  const isPassing = failure === 'clash' || failure === 'no_partition';
  if (!isPassing || tries === TRIES_MAX) return Number.POSITIVE_INFINITY;
  return CLASH_BACK_OFF_MS * growth * jitter;
}

/**
 * Sends are settled in the next turn of the event loop, so that the next batch is on its way to
 * Postgres before the callers of this one go on.
 */
function settleRows(batch: readonly Waiting[], rows: readonly AppendRow[]): Waiting[] {
  const locked: Waiting[] = [];
  const settled: (() => void)[] = [];
  for (const [index, waiting] of batch.entries()) {
    const row = rows[index];
    if (row?.item !== index + 1) throw new Error('append_messages lost an item');
    const own = row.message_id === waiting.message.message_id;
    if (row.status === 'locked') locked.push(waiting);
    else if (own) settled.push(() => waiting.resolve({ ...row, status: 'ok' }));
    else settled.push(() => waiting.resolve(row));
  }
  setImmediate(() => {
    for (const settle of settled) settle();
  });
  return locked;
}

async function settleHalves(
  writer: BatchWriter,
  batch: readonly Waiting[],
  wait: boolean,
): Promise<Waiting[]> {
  const middle = batch.length >> 1;
  const first = await settleBatch(writer, batch.slice(0, middle), wait);
  const second = await settleBatch(writer, batch.slice(middle), wait);
  return [...first, ...second];
}

/** A failure is ignored here, because the next try of the batch reports it. */
async function ensureOrIgnore(writer: BatchWriter): Promise<void> {
  await writer.ensurePartitions().catch((error: unknown) => error);
}

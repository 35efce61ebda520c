import { setTimeout as delay } from 'node:timers/promises';
import { KahaError } from '../../../shared/errors.ts';
import { classifyFailure, toKahaError } from '../database/database-error.ts';
import type { AppendRow, BatchWriter, SealedMessage } from './append-writer.ts';

/** One send waits to be written; `resolve` or `reject` is called exactly once. */
export type Waiting = {
  message: SealedMessage;
  bytes: number;
  /** Nobody waits for the send after this time (epoch ms). */
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

const TRIES_MAX = 3;
/** The waits between tries are 200 and 600 ms, so the third try is within the 2 s deadline. */
const BACK_OFF_MS = 200;
const CLASH_BACK_OFF_MS = 10;
const JITTER = 0.3;

/**
 * The call writes a batch and settles each send in it, but for sends whose rows others have locked:
 * it returns those unsettled. After a deadlock, a lost connection or a missing partition it writes
 * the batch again, at most 3 times in all. If Postgres refuses a value, it writes the batch in
 * halves, until the refused send is alone and harms no other. A send whose deadline has passed is
 * not written. If a lost connection leaves open whether a batch was committed, the next try may
 * meet the batch's own keys; such a send is `ok`.
 */
export async function settleBatch(
  writer: BatchWriter,
  batch: readonly Waiting[],
  wait: boolean,
): Promise<Waiting[]> {
  for (let tries = 1; ; tries += 1) {
    const live = refuseLate(batch);
    if (live.length === 0) return [];
    try {
      const messages = live.map(({ message }) => message);
      return settleRows(live, await writer.write(messages, wait));
    } catch (error) {
      const failure = classifyFailure(error);
      if (failure === 'data' && live.length > 1) return settleHalves(writer, live, wait);
      if (failure === 'locked' && !wait) return live; // The row of any send may be locked.
      const again = failure === 'clash' || failure === 'gone' || failure === 'no_partition';
      if (!again || tries === TRIES_MAX) {
        for (const { reject } of live) reject(toKahaError(error));
        return [];
      }
      if (failure === 'no_partition') await ensureOrIgnore(writer);
      await delay(backOffMs(failure === 'gone' ? BACK_OFF_MS : CLASH_BACK_OFF_MS, tries));
    }
  }
}

function refuseLate(batch: readonly Waiting[]): Waiting[] {
  const now = Date.now();
  const live = batch.filter(({ deadlineAt }) => deadlineAt > now);
  if (live.length === batch.length) return live;
  for (const { deadlineAt, reject } of batch) {
    if (deadlineAt <= now) reject(new KahaError('TIMEOUT', 'Too late'));
  }
  return live;
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

function backOffMs(baseMs: number, tries: number): number {
  return baseMs * 3 ** (tries - 1) * (1 + (Math.random() - 0.5) * JITTER);
}

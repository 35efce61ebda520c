import { setTimeout as delay } from 'node:timers/promises';
import { KahaError } from '../../../shared/errors.ts';
import { classifyFailure, toKahaError } from '../database/database-error.ts';
import type { AppendRow, BatchWriter, SealedMessage } from './append-writer.ts';

/** One send that waits to be written; settled exactly once. */
export type Waiting = {
  message: SealedMessage;
  bytes: number;
  /** Epoch ms; nobody waits for it after that. */
  deadlineAt: number;
  resolve: (row: AppendRow) => void;
  reject: (error: unknown) => void;
};

export const BATCH_ROWS_MAX = 500;
export const BATCH_BYTES_MAX = 512 * 1024;
/** Ids, positions and index entries: what a row weighs beside its content. */
const ROW_BYTES = 200;

export function bytesOf({ content, metadata }: SealedMessage): number {
  return ROW_BYTES + content.length + (metadata?.length ?? 0);
}

/**
 * Takes the next batch off the queue, sorted by conversation and in order of arrival within it.
 * A second send with a key that is already in the batch stays for the next: there it is known.
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
/** The waits between tries: 200 and 600 ms leave the third one inside the 2 s deadline. */
const BACK_OFF_MS = 200;
const CLASH_BACK_OFF_MS = 10;
const JITTER = 0.3;

/**
 * Writes a batch and settles each send in it. Deadlock, lost connection: again, ≤ 3 tries. A value
 * that Postgres refuses: in halves, until the bad one stands alone and hurts nobody else. Past its
 * deadline: not written. After a failure in doubt the second try meets its own keys: that is `ok`.
 * Returns those whose rows are locked by others; they are not settled.
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
      if (failure === 'locked' && !wait) return live; // some participant's row, we know not whose
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
 * Settled in the next turn of the event loop: so the next batch is on its way to Postgres before
 * those who waited for this one go on.
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

/** The next try says what is wrong. */
async function ensureOrIgnore(writer: BatchWriter): Promise<void> {
  await writer.ensurePartitions().catch((error: unknown) => error);
}

function backOffMs(baseMs: number, tries: number): number {
  return baseMs * 3 ** (tries - 1) * (1 + (Math.random() - 0.5) * JITTER);
}

import type { AppendRow, SealedMessage } from './append-messages.ts';

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

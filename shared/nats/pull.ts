import type { Consumer, JsMsg } from 'nats';

/** A pull waits this long for its first message, so a loop that ends waits at most this long. */
const PULL_EXPIRES_MS = 1_000;

/**
 * Waits for a first message, then takes the other messages that are pending, up to `batchMax`. If
 * the connection fails in between, the pull gives what has come, so that it is not delivered again
 * out of order. The next pull rejects.
 */
export async function pull(consumer: Consumer, batchMax: number): Promise<JsMsg[]> {
  const first = await consumer.next({ expires: PULL_EXPIRES_MS });
  if (first === null) return [];
  const messages = [first];
  const pending = Math.min(first.info.pending, batchMax - 1);
  if (pending === 0) return messages;
  try {
    const rest = await consumer.fetch({ max_messages: pending, expires: PULL_EXPIRES_MS });
    for await (const message of rest) messages.push(message);
    return messages;
  } catch {
    return messages;
  }
}

import { createHmac } from 'node:crypto';

/** A topic of web push has at most 32 characters of base64url, and 24 bytes fill them. */
const BYTES = 24;

/**
 * Names a conversation to providers, which learn from it that two pushes belong together, and
 * nothing else. The name is the same for as long as the key is.
 */
export function threadOf(key: Buffer, conversationId: string): string {
  const digest = createHmac('sha256', key).update(`push-thread:${conversationId}`).digest();
  return digest.subarray(0, BYTES).toString('base64url');
}

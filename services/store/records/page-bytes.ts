import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { namesPeople } from '../../../shared/protocol/system-messages.ts';

/** One page of messages is at most this long as JSON. */
export const PAGE_BYTES_MAX = LIMITS.pageBytesMax;

/** Two names of 200 characters can add this much to the content of a system message. */
const NAMES_BYTES = 1_600;

/**
 * A page takes the first messages that fit, and at least one. It keeps room for the names that an
 * edge puts into system messages.
 */
export function takePage<Message extends MessageRecord>(messages: readonly Message[]): Message[] {
  let bytes = 0;
  const page: Message[] = [];
  for (const message of messages) {
    bytes += Buffer.byteLength(JSON.stringify(message)) + 1;
    if (namesPeople(message)) bytes += NAMES_BYTES;
    if (page.length > 0 && bytes > PAGE_BYTES_MAX) break;
    page.push(message);
  }
  return page;
}

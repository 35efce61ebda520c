import type { MessageRecord } from '../../../shared/contracts/rpc.ts';
import { namesPeople } from '../../../shared/names/system-names.ts';

/** What one page of messages may weigh as JSON. */
export const PAGE_BYTES_MAX = 256 * 1024;

/** What two names of 200 characters add to a text. */
const NAMES_BYTES = 1_600;

/** The first messages that fit a page, at least one, with the names that are to come. */
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

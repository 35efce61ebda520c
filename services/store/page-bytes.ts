/** What one page of messages may weigh as JSON. */
export const PAGE_BYTES_MAX = 256 * 1024;

/** The first messages that fit a page, at least one. */
export function takePage<Message>(messages: readonly Message[]): Message[] {
  let bytes = 0;
  const page: Message[] = [];
  for (const message of messages) {
    bytes += Buffer.byteLength(JSON.stringify(message)) + 1;
    if (page.length > 0 && bytes > PAGE_BYTES_MAX) break;
    page.push(message);
  }
  return page;
}

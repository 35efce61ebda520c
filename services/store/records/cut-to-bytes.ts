/** The entries or events of one reply take at most this much as JSON. */
const REPLY_BYTES_MAX = 512 * 1024;

/** A reply keeps the first items that fit, and at least one. */
export function cutToBytes<Item>(items: readonly Item[]): { kept: Item[]; cut: Item[] } {
  let bytes = 0;
  const fits = (item: Item): boolean => {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    return bytes <= REPLY_BYTES_MAX;
  };
  const end = items.findIndex((item, index) => !fits(item) && index > 0);
  return end === -1
    ? { kept: [...items], cut: [] }
    : { kept: items.slice(0, end), cut: items.slice(end) };
}

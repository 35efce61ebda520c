/** Does the same as Promise.all over `map`, but with at most `inFlightMax` items under way. */
export async function boundedMap<Item, Result>(
  items: readonly Item[],
  inFlightMax: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      results[index] = await work(items[index] as Item, index);
    }
  };
  await Promise.all(Array.from({ length: inFlightMax }, lane));
  return results;
}

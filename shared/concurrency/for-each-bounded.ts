/** Runs `task` for each item, at most `concurrencyMax` at a time. */
export async function forEachBounded<Item>(
  items: Iterable<Item>,
  concurrencyMax: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let step = iterator.next(); !step.done; step = iterator.next()) await task(step.value);
  };
  await Promise.all(Array.from({ length: concurrencyMax }, work));
}

/** Returns the integers from `from` to `to`, both included. */
export function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

/** Returns the `seq` of each event, in the order given. */
export function seqsOf(events: readonly { seq: number }[]): number[] {
  return events.map(({ seq }) => seq);
}

/** A span of time has its first moment and not its last. Both are in ms since 1970. */
export type Span = { fromMs: number; untilMs: number };

const DAY_MS = 86_400_000;
export const WEEK_MS = 7 * DAY_MS;
/** 1970-01-05 was a Monday. */
const A_MONDAY_MS = 4 * DAY_MS;

/** Weeks begin on Mondays at 00:00 UTC. */
export function weekOf(atMs: number): Span {
  const fromMs = Math.floor((atMs - A_MONDAY_MS) / WEEK_MS) * WEEK_MS + A_MONDAY_MS;
  return { fromMs, untilMs: fromMs + WEEK_MS };
}

/**
 * Returns what is missing, so that the week of `nowMs` and the next `weeksAhead` are covered. What
 * is covered stays as it is, whatever its length, and no span that is returned is longer than a
 * week. The function is pure.
 */
export function missingSpans(
  covered: readonly Span[],
  { nowMs, weeksAhead }: { nowMs: number; weeksAhead: number },
): Span[] {
  const first = weekOf(nowMs);
  const weeks = Array.from({ length: weeksAhead + 1 }, (_, index) => ({
    fromMs: first.fromMs + index * WEEK_MS,
    untilMs: first.untilMs + index * WEEK_MS,
  }));
  return weeks.flatMap((week) => covered.reduce<Span[]>(without, [week]));
}

function without(spans: Span[], taken: Span): Span[] {
  return spans.flatMap(({ fromMs, untilMs }) => {
    const before = { fromMs, untilMs: Math.min(untilMs, taken.fromMs) };
    const after = { fromMs: Math.max(fromMs, taken.untilMs), untilMs };
    if (before.untilMs === untilMs || after.fromMs === fromMs) return { fromMs, untilMs };
    return [before, after].filter((span) => span.fromMs < span.untilMs);
  });
}

/** Says how far the spans cover the time from `nowMs` on, and how many follow the first. */
export function coverage(
  covered: readonly Span[],
  nowMs: number,
): { untilMs: number; ahead: number } {
  let untilMs = nowMs;
  let count = 0;
  for (const span of [...covered].sort((one, other) => one.fromMs - other.fromMs)) {
    if (span.untilMs <= untilMs) continue;
    if (span.fromMs > untilMs) break;
    untilMs = span.untilMs;
    count += 1;
  }
  return { untilMs, ahead: Math.max(count - 1, 0) };
}

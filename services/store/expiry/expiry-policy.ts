import type { Pooling } from '../database/pool.ts';

/** Stores alone have this policy: whoever asks them to let something go says nothing of times. */
export type ExpiryPolicy = {
  /** Messages are shown for so many days; 0 means for ever. */
  days: number;
  /** Messages that are not shown any more are kept for so many days still. */
  graceDays: number;
  pooling: Pooling;
};

const DAY_MS = 86_400_000;

/**
 * Steps of businesses are kept for so many days. Messages wait for the end of their week, and an
 * erasure finds hidden system messages by their steps, so steps stay for a week more. The function
 * is pure.
 */
export function stepsDaysOf({ days, graceDays }: ExpiryPolicy): number {
  return days + graceDays + 7;
}

/**
 * Messages that were sent before `hiddenMs` are not shown, and those from before `goneMs` go. Both
 * are undefined if messages are kept for ever. The function is pure.
 */
export function limitsOf(
  { days, graceDays }: ExpiryPolicy,
  nowMs: number,
): { hiddenMs: number; goneMs: number } | undefined {
  if (days === 0) return undefined;
  const hiddenMs = nowMs - days * DAY_MS;
  return { hiddenMs, goneMs: hiddenMs - graceDays * DAY_MS };
}

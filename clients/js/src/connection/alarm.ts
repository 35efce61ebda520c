import type { Platform } from '../platform/platform.ts';

/** Rounding must not let a timer fire before its time has come. */
const SLACK_MS = 1;

/**
 * Returns a function that sets the one time at which `ring` is called. A timer for an earlier time
 * is left as it is, and rings for nothing, so that not every frame sets a timer.
 */
export function createAlarm(
  { now, after }: Pick<Platform, 'now' | 'after'>,
  ring: (lateMs: number) => void,
): (at: number | undefined) => void {
  let timerAt = Infinity;
  let prevent = (): void => undefined;
  return (at = Infinity) => {
    if (timerAt <= at && at < Infinity) return;
    prevent();
    timerAt = at;
    if (at === Infinity) return;
    prevent = after(Math.max(0, at - now()) + SLACK_MS, () => {
      timerAt = Infinity;
      ring(now() - at);
    });
  };
}

import { steadyMs } from './clock.ts';

/**
 * Calls `run` every `everyMs`, with times by `steadyMs`, until the returned function is called. Who
 * has not been heard is judged as of `readMs`: what others had sent by then has been read.
 *
 * That is now, unless the call is late by more than a whole round. The process was stopped then, or
 * busy, and what others sent meanwhile is still unread, because Node runs timers before it reads.
 * So `readMs` is the time of the call before.
 */
export function repeat(everyMs: number, run: (nowMs: number, readMs: number) => void): () => void {
  let beforeMs = steadyMs();
  const timer = setInterval(() => {
    const nowMs = steadyMs();
    const isLate = nowMs - beforeMs > 2 * everyMs;
    const readMs = isLate ? beforeMs : nowMs;
    beforeMs = nowMs;
    run(nowMs, readMs);
  }, everyMs);
  return () => clearInterval(timer);
}

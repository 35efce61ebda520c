import { steadyMs } from './clock.ts';

/**
 * Calls `run` every `everyMs`, with the time by `steadyMs`, until the returned function is called.
 *
 * `lateMs` says how late a call is that comes later than a whole round, and is 0 otherwise. Such a
 * process was stopped or busy for about as long. What others sent meanwhile is still unread then,
 * because Node runs timers before it reads. So `run` must not take that time for their silence.
 */
export function repeat(everyMs: number, run: (nowMs: number, lateMs: number) => void): () => void {
  let dueMs = steadyMs() + everyMs;
  const timer = setInterval(() => {
    const nowMs = steadyMs();
    const lateMs = nowMs - dueMs;
    dueMs = nowMs + everyMs;
    run(nowMs, lateMs > everyMs ? lateMs : 0);
  }, everyMs);
  return () => clearInterval(timer);
}

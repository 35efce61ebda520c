const TICK_MS = 10;
/** A tick that comes later than this was late because the machine had no time for the process. */
const TICK_MAX_MS = 20;

type Stopwatch = {
  /** Ends the measurement, and returns what the stopwatch has counted, in ms. */
  stop(): number;
};

/**
 * The stopwatch counts time, but hardly any of the time in which a busy machine does not let this
 * process run: it ticks every 10 ms, and a tick counts for at most 20 ms. So a test can keep the
 * upper bound that holds on an idle machine. The stopwatch never counts more than the clock does; a
 * lower bound needs the clock.
 */
export function startStopwatch(): Stopwatch {
  let countedMs = 0;
  let lastAtMs = performance.now();
  const tick = (): void => {
    const nowMs = performance.now();
    countedMs += Math.min(nowMs - lastAtMs, TICK_MAX_MS);
    lastAtMs = nowMs;
  };
  const timer = setInterval(tick, TICK_MS).unref();
  return {
    stop() {
      clearInterval(timer);
      tick();
      return Math.round(countedMs);
    },
  };
}

import type { Browser, Page } from 'playwright-core';

type TraceEvent = {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Both are in microseconds. The thread was busy for `tdur` of the time from start to end. */
  dur?: number;
  tdur?: number;
  args?: { name?: string };
};

const CATEGORIES = ['toplevel', 'disabled-by-default-devtools.timeline'];
const US_PER_MS = 1_000;

/**
 * Resolves with how long the longest tasks of the page's main thread were while `act` ran, longest
 * first, in milliseconds. Time in which another process had the processor does not count.
 */
export async function longTasks(
  browser: Browser,
  page: Page,
  act: () => Promise<void>,
): Promise<number[]> {
  await browser.startTracing(page, { categories: CATEGORIES });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: TraceEvent[];
  };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  return traceEvents
    .filter(({ name, ph, pid, tid }) => {
      return ph === 'X' && name.endsWith('RunTask') && mains.has(`${pid} ${tid}`);
    })
    .map(({ tdur, dur = 0 }) => (tdur ?? dur) / US_PER_MS)
    .sort((one, other) => other - one);
}

import t from 'tap';
import type { Look } from '../usage/measurements.ts';
import { createHeapReport } from './heap-report.ts';

function lookWith(liveBytes: number | undefined): Look {
  const natsHeap = liveBytes === undefined ? undefined : { liveBytes };
  return { atMs: 0, processes: [], database: undefined, natsHeap };
}

t.test('the growth is divided among the device queues that the run made', async (t) => {
  const looks = { base: lookWith(1_000), end: lookWith(5_000) };
  t.same(createHeapReport({ looks, queues: 8, queuesMade: 4 }), {
    ...{ beforeBytes: 1_000, endBytes: 5_000, queues: 8, queuesMade: 4 },
    perQueueMadeBytes: 1_000,
  });
});

t.test('devices that are away count from before they connected', async (t) => {
  const looks = { start: lookWith(600), base: lookWith(1_000), end: lookWith(1_400) };
  t.match(createHeapReport({ looks, queues: 4, queuesMade: 4 }), {
    beforeBytes: 600,
    perQueueMadeBytes: 200,
  });
});

t.test('no growth per device queue is reported if every queue was there before', async (t) => {
  const looks = { base: lookWith(1_000), end: lookWith(1_001) };
  t.equal(createHeapReport({ looks, queues: 4, queuesMade: 0 })?.perQueueMadeBytes, undefined);
});

t.test('a NATS that did not answer at either moment has no report', async (t) => {
  for (const [base, end] of [
    [undefined, 5],
    [5, undefined],
  ]) {
    const looks = { base: lookWith(base), end: lookWith(end) };
    t.equal(createHeapReport({ looks, queues: 1, queuesMade: 1 }), undefined);
  }
});

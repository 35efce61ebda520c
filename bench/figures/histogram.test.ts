import t from 'tap';
import { Histogram } from './histogram.ts';

t.test('quantiles are right within one percent, from microseconds to minutes', async (t) => {
  for (const scale of [0.001, 0.05, 1, 37, 900]) {
    const histogram = new Histogram();
    for (let value = 1; value <= 1_000; value += 1) histogram.recordMs(value * scale);
    for (const part of [0.01, 0.5, 0.95, 0.99, 1]) {
      const exact = Math.ceil(1_000 * part) * scale;
      const error = Math.abs(histogram.quantileMs(part) - exact) / exact;
      t.ok(error < 0.01, `${part} of ${scale}: ${error}`);
    }
  }
});

t.test('the maximum is exact, however rare', async (t) => {
  const histogram = new Histogram();
  for (let count = 0; count < 100_000; count += 1) histogram.recordMs(1);
  histogram.recordMs(1_234.567);
  t.equal(histogram.quantiles().max, 1_234.567);
  t.ok(Math.abs(histogram.quantiles().p99 - 1) < 0.01);
  t.equal(histogram.count, 100_001);
});

t.test('an empty histogram is all zeros', async (t) => {
  t.same(new Histogram().quantiles(), { count: 0, p50: 0, p95: 0, p99: 0, max: 0 });
});

t.test('values beyond the ends are kept at the ends', async (t) => {
  const histogram = new Histogram();
  histogram.recordMs(-5);
  histogram.recordMs(1e12);
  t.equal(histogram.quantileMs(0.5), 0);
  t.equal(histogram.quantileMs(1), (2 ** 31 - 1) / 1_000);
});

t.test('states of several processes add up to one', async (t) => {
  const all = new Histogram();
  const parts = [new Histogram(), new Histogram(), new Histogram()];
  for (let value = 0; value < 3_000; value += 1) {
    all.recordMs(value / 7);
    parts[value % 3]?.recordMs(value / 7);
  }
  const states = parts.map((part) => JSON.parse(JSON.stringify(part.state())));
  t.same(Histogram.from(states).quantiles(), all.quantiles());
});

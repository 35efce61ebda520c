import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** A process has one registry, which puts `service` and `instance` on every series. */
export type Metrics = {
  registry: Registry;
  counter(name: string, help: string, labelNames?: string[]): Counter;
  /** If `collect` is given, each scrape calls it, so that nothing is counted on the hot path. */
  gauge(name: string, help: string, collect?: () => number): Gauge;
  /** Values are in seconds unless the name says otherwise. */
  histogram(name: string, help: string, buckets?: number[]): Histogram;
};

/** Buckets reach from a local hop (1 ms) to the longest deadline (10 s). */
const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(service: string, instance: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service, instance });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    counter: (name, help, labelNames = []) => new Counter({ name, help, labelNames, registers }),
    gauge: (name, help, collect) =>
      new Gauge({
        name,
        help,
        registers,
        ...(collect && {
          collect() {
            this.set(collect());
          },
        }),
      }),
    histogram: (name, help, buckets = LATENCY_BUCKETS_S) =>
      new Histogram({ name, help, buckets, registers }),
  };
}

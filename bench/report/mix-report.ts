import { Histogram, type Quantiles } from '../figures/histogram.ts';
import type { MixResult } from '../traffic/mix.ts';

export type MixReport = Omit<MixResult, 'histograms'> & {
  receiptMs: Quantiles;
  typingMs: Quantiles;
};

/** Adds up the results of the mix. Returns undefined if there was none. */
export function addMixes(results: readonly MixResult[]): MixReport | undefined {
  if (results.length === 0) return undefined;
  const sum = (pick: (result: MixResult) => number): number =>
    results.reduce((total, result) => total + pick(result), 0);
  const quantiles = (name: keyof MixResult['histograms']): Quantiles =>
    Histogram.from(results.map(({ histograms }) => histograms[name])).quantiles();
  return {
    reads: {
      sent: sum(({ reads }) => reads.sent),
      answered: sum(({ reads }) => reads.answered),
      expected: sum(({ reads }) => reads.expected),
      received: sum(({ reads }) => reads.received),
    },
    typing: {
      sent: sum(({ typing }) => typing.sent),
      expected: sum(({ typing }) => typing.expected),
      received: sum(({ typing }) => typing.received),
      ends: sum(({ typing }) => typing.ends),
    },
    presence: {
      expected: sum(({ presence }) => presence.expected),
      received: sum(({ presence }) => presence.received),
    },
    receiptMs: quantiles('receipt'),
    typingMs: quantiles('typing'),
  };
}

/**
 * Returns the problems of the mix. Live events are not promised, but positions and presence are,
 * because they come right again.
 */
export function mixProblems(mix: MixReport | undefined): [number, string][] {
  if (mix === undefined) return [];
  const { reads, presence } = mix;
  return [
    [reads.sent - reads.answered, 'reads unanswered'],
    [reads.expected - reads.received, 'read positions that others lack'],
    [presence.expected - presence.received, 'presence changes missing'],
  ];
}

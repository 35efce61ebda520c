/** The state travels between processes. `buckets` are flat pairs of bucket and count. */
export type HistogramState = { buckets: number[]; max: number };
export type Quantiles = { count: number; p50: number; p95: number; p99: number; max: number };

const SUB_BUCKET_BITS = 7;
const BUCKETS = 3_328;
const VALUE_MAX = 2 ** 31 - 1;
const US_PER_MS = 1_000;

/**
 * Counts times in buckets whose width is 1/128 of their value, so a quantile is wrong by less than
 * 0.8 %. The maximum is exact. Times are kept in microseconds, up to 35 minutes, in 26 KB.
 */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #max = 0;
  #count = 0;

  static from(states: readonly HistogramState[]): Histogram {
    const histogram = new Histogram();
    for (const state of states) histogram.#add(state);
    return histogram;
  }

  get count(): number {
    return this.#count;
  }

  /** Counts a time. Times below 0 count as 0. */
  recordMs(ms: number): void {
    const us = Math.min(VALUE_MAX, Math.max(0, Math.round(ms * US_PER_MS)));
    const bucket = bucketOf(us);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    if (us > this.#max) this.#max = us;
  }

  /**
   * Returns a quantile in milliseconds, or 0 if nothing was recorded. `part` is 0.5 for the median.
   */
  quantileMs(part: number): number {
    const rank = Math.ceil(this.#count * part);
    let passed = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      passed += this.#counts[bucket] ?? 0;
      if (passed >= rank) return Math.min(upperOf(bucket), this.#max) / US_PER_MS;
    }
    return this.#max / US_PER_MS;
  }

  /** Returns the quantiles in milliseconds. */
  quantiles(): Quantiles {
    return {
      count: this.#count,
      p50: this.quantileMs(0.5),
      p95: this.quantileMs(0.95),
      p99: this.quantileMs(0.99),
      max: this.#max / US_PER_MS,
    };
  }

  state(): HistogramState {
    const buckets: number[] = [];
    for (const [bucket, count] of this.#counts.entries()) {
      if (count > 0) buckets.push(bucket, count);
    }
    return { buckets, max: this.#max };
  }

  #add({ buckets, max }: HistogramState): void {
    for (let at = 0; at < buckets.length; at += 2) {
      const [bucket = 0, count = 0] = [buckets[at], buckets[at + 1]];
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
      this.#count += count;
    }
    this.#max = Math.max(this.#max, max);
  }
}

/**
 * Returns the bucket of a time. Buckets are exact below 128. Above, the power of two picks the row
 * and the next 7 bits the place in it.
 */
function bucketOf(us: number): number {
  if (us < 2 ** SUB_BUCKET_BITS) return us;
  const shift = 31 - Math.clz32(us) - SUB_BUCKET_BITS;
  return (shift << SUB_BUCKET_BITS) + (us >>> shift);
}

/** Returns the highest value of the bucket. */
function upperOf(bucket: number): number {
  if (bucket < 2 ** (SUB_BUCKET_BITS + 1)) return bucket;
  const shift = (bucket >> SUB_BUCKET_BITS) - 1;
  return (bucket - (shift << SUB_BUCKET_BITS) + 1) * 2 ** shift - 1;
}

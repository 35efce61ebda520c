import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Logger } from '../../shared/logger.ts';
import type { Profile, ProfileMap, ProfileRef } from './profile.ts';
import type { ProfileCache } from './profile-cache.ts';
import { createProfileFetcher, type FetchBatch } from './profile-fetcher.ts';
import type { ProfilesMetrics } from './profiles-metrics.ts';

export type ProfileSource = {
  /** What is known of `refs` by `deadlineAt` (epoch ms); never rejects. */
  look(refs: readonly ProfileRef[], deadlineAt: number): Promise<ProfileMap>;
  readonly inFlight: number;
  idle(): Promise<void>;
};

type Deps = {
  cache: ProfileCache;
  fetchBatch: FetchBatch;
  metrics: ProfilesMetrics;
  logger: Logger;
};

/** Ids without a profile: few, and asked for again soon, since they may have just signed up. */
const UNKNOWN = { max: 100_000, ttl: 30_000 };

/**
 * Where a profile comes from: the cache, then kaha-main-v3, whose answers fill the cache. A late or
 * failed source leaves its ids out: callers show a fallback. What comes after the deadline still
 * fills the cache.
 */
export function createProfileSource({ cache, fetchBatch, metrics, logger }: Deps): ProfileSource {
  const unknown = new LRUCache<string, true>(UNKNOWN);
  const fetcher = createProfileFetcher(async (refs) => {
    const found = await fetchBatch(refs);
    for (const { key } of refs) if (!found.has(key)) unknown.set(key, true);
    if (found.size > 0) void cache.write(found.values());
    return found;
  });
  const fetchOne = async (ref: ProfileRef, into: ProfileMap): Promise<void> => {
    try {
      const profile: Profile | undefined = await fetcher.fetch(ref);
      if (profile !== undefined) into.set(ref.key, profile);
      metrics.lookups.inc({ result: profile === undefined ? 'unknown' : 'fetched' });
    } catch (error) {
      metrics.lookups.inc({ result: 'missing' });
      logger.debug({ err: error }, 'a profile could not be fetched');
    }
  };
  return {
    async look(refs, deadlineAt) {
      const known = await cache.read(refs);
      const rest = refs.filter(({ key }) => !known.has(key));
      const asked = rest.filter(({ key }) => !unknown.has(key));
      metrics.lookups.inc({ result: 'cached' }, known.size);
      metrics.lookups.inc({ result: 'unknown' }, rest.length - asked.length);
      if (asked.length > 0) {
        const fetched = Promise.all(asked.map((ref) => fetchOne(ref, known)));
        await until(fetched, deadlineAt);
      }
      return new Map(known);
    },
    get inFlight() {
      return fetcher.inFlight;
    },
    idle: () => fetcher.idle(),
  };
}

async function until(work: Promise<unknown>, deadlineAt: number): Promise<void> {
  const stop = new AbortController();
  const late = delay(Math.max(0, deadlineAt - Date.now()), undefined, { signal: stop.signal });
  try {
    await Promise.race([work, late]);
  } finally {
    late.catch((error) => error); // the abort below is its end, not a failure
    stop.abort();
  }
}

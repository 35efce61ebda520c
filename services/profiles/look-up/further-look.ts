import type { LocalProfiles } from '../cache/local-profiles.ts';
import type { ProfileCache } from '../cache/profile-cache.ts';
import type { KahaGuard } from '../kaha/kaha-guard.ts';
import type { ProfileMap, ProfileRef } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import { FetcherFullError, type ProfileFetcher } from './profile-fetcher.ts';

type Deps = {
  cache: ProfileCache;
  local: LocalProfiles;
  kaha: Pick<KahaGuard, 'isClosed'>;
  fetcher: ProfileFetcher;
  metrics: ProfilesMetrics;
};

/** Puts what it finds into `known`, as it finds it; never rejects. */
export type FurtherLook = (refs: readonly ProfileRef[], known: ProfileMap) => Promise<void>;

/**
 * Looks in Redis, then at kaha-main-v3. What Redis has is good enough to answer with, however old,
 * unless it is known to be superseded. An open circuit is not waited for.
 */
export function createFurtherLook({ cache, local, kaha, fetcher, metrics }: Deps): FurtherLook {
  const ask = async (ref: ProfileRef, seen: string, known: ProfileMap): Promise<void> => {
    try {
      const profile = await fetcher.fetch(ref, seen);
      if (profile !== undefined) known.set(ref.key, profile);
      else if (local.get(ref.key) === undefined) known.delete(ref.key);
      metrics.lookups.inc({ result: profile === undefined ? 'unknown' : 'fetched' });
    } catch (error) {
      // Why is counted and logged where kaha-main-v3 is asked.
      metrics.lookups.inc({ result: error instanceof FetcherFullError ? 'refused' : 'missing' });
    }
  };
  return async (refs, known) => {
    const since = Date.now();
    const superseded = new Set(refs.filter(({ key }) => local.get(key)?.isSuperseded));
    const { found, markers } = await cache.read(refs);
    const waited: Promise<void>[] = [];
    for (const ref of refs) {
      const cached = found.get(ref.key);
      if (cached !== undefined) {
        local.set(ref.key, { ...cached, since });
        known.set(ref.key, cached.profile);
        const isFresh = cached.freshUntil > since;
        metrics.lookups.inc({ result: isFresh ? 'cached' : 'stale' });
        if (isFresh) continue;
      }
      const asked = ask(ref, markers.get(ref.key) ?? '', known);
      if (cached === undefined || superseded.has(ref)) waited.push(asked);
    }
    if (kaha.isClosed) await Promise.all(waited);
  };
}

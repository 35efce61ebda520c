import { steadyMs } from '../../../shared/process/clock.ts';
import type { LocalProfiles } from '../cache/local-profiles.ts';
import type { ProfileCache } from '../cache/profile-cache.ts';
import type { KahaGuard } from '../kaha/kaha-guard.ts';
import type { ProfileMap, ProfileRef } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import { FetcherFullError, type ProfileFetcher } from './profile-fetcher.ts';

type Deps = {
  cache: ProfileCache;
  local: LocalProfiles;
  kaha: Pick<KahaGuard, 'isAnswering'>;
  fetcher: ProfileFetcher;
  metrics: ProfilesMetrics;
};

/** The look puts each profile into `known` as soon as it has it. It never rejects. */
type FurtherLook = (refs: readonly ProfileRef[], known: ProfileMap) => Promise<void>;

/**
 * Looks in Redis, then at kaha-main-v3. A profile of Redis is good enough for an answer, however
 * old, unless another instance has superseded it. While kaha-main-v3 is away or hangs, the look
 * does not wait for it.
 */
export function createFurtherLook({ cache, local, kaha, fetcher, metrics }: Deps): FurtherLook {
  const ask = async (ref: ProfileRef, seen: string, known: ProfileMap): Promise<void> => {
    try {
      const profile = await fetcher.fetch(ref, seen);
      if (profile !== undefined) known.set(ref.key, profile);
      else if (local.get(ref.key) === undefined) known.delete(ref.key);
      metrics.lookups.inc({ result: profile === undefined ? 'unknown' : 'fetched' });
    } catch (error) {
      // The guard of kaha-main-v3 counts and logs the reason.
      metrics.lookups.inc({ result: error instanceof FetcherFullError ? 'refused' : 'missing' });
    }
  };
  return async (refs, known) => {
    const since = steadyMs();
    const superseded = new Set(refs.filter(({ key }) => local.get(key)?.isSuperseded));
    const { found, markers } = await cache.read(refs);
    const waited: Promise<void>[] = [];
    for (const ref of refs) {
      const cached = found.get(ref.key);
      if (cached !== undefined) {
        local.set(ref.key, { ...cached, since });
        known.set(ref.key, cached.profile);
        const isFresh = cached.freshUntil > Date.now();
        metrics.lookups.inc({ result: isFresh ? 'cached' : 'stale' });
        if (isFresh) continue;
      }
      const asked = ask(ref, markers.get(ref.key) ?? '', known);
      if (cached === undefined || superseded.has(ref)) waited.push(asked);
    }
    if (kaha.isAnswering) await Promise.all(waited);
  };
}

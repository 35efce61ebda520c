import type { Fetching } from '../look-up/profile-fetcher.ts';
import type { ProfileMap } from '../profile.ts';
import type { LocalProfiles } from './local-profiles.ts';
import type { CacheWrite, ProfileCache } from './profile-cache.ts';

type Deps = { cache: ProfileCache; local: LocalProfiles; random: () => number };

const FRESH_MS = 24 * 3_600_000;
/** The time varies by ±10 %, so that profiles stored together do not grow old together. */
const FRESH_JITTER = 0.1;

/**
 * Stores the answers of kaha-main-v3 in both caches. An id that an answer lacks is unknown for 30
 * s. Its kept profile is removed if kaha-main-v3 had announced a change before; otherwise the
 * profile is still shown, because an answer may be incomplete.
 */
export function createProfileKeeper({ cache, local, random }: Deps) {
  return async (batch: readonly Fetching[], found: ProfileMap): Promise<void> => {
    const writes: CacheWrite[] = [];
    const gone: Fetching[] = [];
    for (const fetching of batch) {
      const { ref, seen, since } = fetching;
      const profile = found.get(ref.key);
      if (profile === undefined) {
        local.setUnknown(ref.key, since);
        if (seen !== '' || local.get(ref.key)?.isSuperseded) gone.push(fetching);
        continue;
      }
      const freshMs = Math.round(FRESH_MS * (1 + FRESH_JITTER * (2 * random() - 1)));
      const freshUntil = Date.now() + freshMs;
      local.set(ref.key, { profile, freshUntil, since });
      writes.push({ ref, profile, freshUntil, seen });
    }
    for (const { ref } of gone) local.drop(ref.key);
    if (writes.length > 0) await cache.write(writes);
    if (gone.length > 0) await cache.drop(gone.map(({ ref }) => ref));
  };
}

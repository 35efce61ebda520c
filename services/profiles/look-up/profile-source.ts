import { setTimeout as delay } from 'node:timers/promises';
import { steadyMs } from '../../../shared/process/clock.ts';
import { type LocalProfiles, RECHECK_MS } from '../cache/local-profiles.ts';
import type { ProfileCache } from '../cache/profile-cache.ts';
import { createProfileKeeper } from '../cache/profile-keeper.ts';
import type { KahaGuard } from '../kaha/kaha-guard.ts';
import type { ProfileMap, ProfileRef } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import { createFurtherLook } from './further-look.ts';
import { createProfileFetcher } from './profile-fetcher.ts';

export type ProfileSource = {
  /**
   * Resolves by `deadlineAt`, a time of `steadyMs`, with the profiles of `refs` that are known; it
   * never rejects.
   */
  look(refs: readonly ProfileRef[], deadlineAt: number): Promise<Looked>;
  /** Asks kaha-main-v3 anew. Rejects if any of the profiles could not be asked for. */
  refresh(refs: readonly ProfileRef[]): Promise<void>;
  readonly inFlight: number;
  idle(): Promise<void>;
};

/** The profiles of `missed` could not be had in time. */
type Looked = { profiles: ProfileMap; missed: ProfileRef[] };

type Deps = {
  cache: ProfileCache;
  local: LocalProfiles;
  kaha: KahaGuard;
  metrics: ProfilesMetrics;
  random: () => number;
};

/**
 * This many looks run after their answers at once. Beyond it an old profile waits for a later
 * lookup.
 */
const BEHIND_MAX = 64;
const LOCAL = { result: 'local' };

/**
 * A profile comes from this process, from Redis, or from kaha-main-v3, whose answers fill both
 * caches. A profile that this process holds is answered at once, however old, and refreshed after
 * the answer. The caller waits for the others until the deadline, but not while kaha-main-v3 is
 * away or hangs. A profile that has not come by then is missed, and callers show a fallback; it
 * still fills the caches when it comes.
 */
export function createProfileSource(deps: Deps): ProfileSource {
  const { cache, local, kaha, metrics } = deps;
  const keep = createProfileKeeper(deps);
  const fetcher = createProfileFetcher(async (batch) => {
    const found = await kaha.fetch(batch.map(({ ref }) => ref));
    await keep(batch, found);
    return found;
  });
  const lookFurther = createFurtherLook({ cache, local, kaha, fetcher, metrics });
  let behind = 0;
  const lookBehind = async (refs: readonly ProfileRef[]): Promise<void> => {
    if (refs.length === 0 || behind >= BEHIND_MAX) return;
    behind += 1;
    try {
      await lookFurther(refs, new Map());
    } finally {
      behind -= 1;
    }
  };
  return {
    async look(refs, deadlineAt) {
      const { known, rest, old, unknown } = sort(refs, local);
      metrics.lookups.inc(LOCAL, known.size);
      if (unknown > 0) metrics.lookups.inc({ result: 'unknown' }, unknown);
      void lookBehind(old);
      if (rest.length === 0) return { profiles: known, missed: [] };
      await until(lookFurther(rest, known), deadlineAt);
      // The look may still add profiles to `known`, so the caller gets a copy.
      const profiles = new Map(known);
      const missed = rest.filter(({ key }) => !profiles.has(key) && !local.isUnknown(key));
      return { profiles, missed };
    },
    async refresh(refs) {
      const { markers } = await cache.read(refs);
      const outcomes = await Promise.allSettled(
        refs.map((ref) => fetcher.fetchAnew(ref, markers.get(ref.key) ?? '')),
      );
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    get inFlight() {
      return fetcher.inFlight;
    },
    idle: () => fetcher.idle(),
  };
}

type Sorted = {
  known: ProfileMap;
  /** These are looked for before the answer. Those that are superseded are in `known` as well. */
  rest: ProfileRef[];
  /** These are refreshed after the answer. */
  old: ProfileRef[];
  unknown: number;
};

function sort(refs: readonly ProfileRef[], local: LocalProfiles): Sorted {
  const sorted: Sorted = { known: new Map(), rest: [], old: [], unknown: 0 };
  const now = steadyMs();
  for (const ref of refs) {
    const entry = local.get(ref.key);
    if (entry === undefined) {
      if (local.isUnknown(ref.key)) sorted.unknown += 1;
      else sorted.rest.push(ref);
      continue;
    }
    sorted.known.set(ref.key, entry.profile);
    if (entry.isSuperseded) sorted.rest.push(ref);
    else if (entry.checkedUntil <= now) {
      // Only one of many lookups refreshes the profile.
      entry.checkedUntil = now + RECHECK_MS;
      sorted.old.push(ref);
    }
  }
  return sorted;
}

async function until(work: Promise<unknown>, deadlineAt: number): Promise<void> {
  const stop = new AbortController();
  const late = delay(Math.max(0, deadlineAt - steadyMs()), undefined, { signal: stop.signal });
  try {
    await Promise.race([work, late]);
  } finally {
    late.catch((error) => error); // the abort below ends the delay, and its rejection is no failure
    stop.abort();
  }
}

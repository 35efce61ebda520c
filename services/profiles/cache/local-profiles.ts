import { LRUCache } from 'lru-cache';
import { steadyMs } from '../../../shared/process/clock.ts';
import { heapShare } from '../../../shared/process/heap-share.ts';
import type { Profile } from '../profile.ts';

type LocalProfile = {
  profile: Profile;
  /** Until this time, by `steadyMs`, no lookup checks for a newer profile. */
  checkedUntil: number;
  /**
   * Another instance has stored a newer profile in Redis. A lookup reads that one first, and shows
   * this one only if it gets nothing else.
   */
  isSuperseded: boolean;
};

type Found = {
  profile: Profile;
  /** The profile is fresh until this time (epoch ms). */
  freshUntil: number;
  /**
   * The profile was asked for at this time, by `steadyMs`. A profile that was outdated since then
   * is not fresh.
   */
  since: number;
};

export type LocalProfiles = {
  get(key: string): LocalProfile | undefined;
  set(key: string, found: Found): void;
  /**
   * The cache remembers for 30 s that the id, asked for at `since` (by `steadyMs`), had no profile,
   * unless the id was outdated meanwhile. A profile that the cache holds is still shown.
   */
  setUnknown(key: string, since: number): void;
  isUnknown(key: string): boolean;
  /**
   * The profile has changed at kaha-main-v3. The old one is still shown, and the next lookup checks
   * for the new one.
   */
  outdate(key: string): void;
  /** The profile has changed, and the new one is in Redis. */
  supersede(key: string): void;
  /** Tells whether the profile was outdated at `since` (by `steadyMs`) or later. */
  isOutdatedSince(key: string, since: number): boolean;
  drop(key: string): void;
  /** Events may have been missed, so the next lookup of each profile checks it again. */
  doubtAll(): void;
  readonly size: number;
};

/**
 * This many profiles take about 10 MB, and no more than 32 MiB if their pictures have long
 * addresses. Beyond it the profile that was not asked for longest is dropped; Redis still has it.
 */
const PROFILES_MAX = { max: 20_000, maxSize: heapShare(1 / 8, 32 * 1024 ** 2) };
/** Ids, the key and the entry itself take about so many bytes. */
const ENTRY_BYTES = 500;
/** A copy in this process is dropped a day after it was last set. Redis may still have it. */
const TTL_MS = 24 * 3_600_000;
/**
 * Unknown ids are few, and are asked for again soon, because their owners may have just signed up.
 */
const UNKNOWN = { max: 100_000, ttl: 30_000 };
/** An outdated id is remembered for longer than any lookup takes. */
const OUTDATED = { max: 20_000, ttl: 60_000 };
/**
 * If the event of a changed profile is lost, the old profile is shown for at most this time. The
 * cache varies the time by ±10 %, so that not all profiles are checked together.
 */
const CHECK_MS = 60_000;
/** A profile that could not be refreshed is tried again no sooner than this. */
export const RECHECK_MS = 2_000;

/**
 * This cache in the process stands in front of Redis. A profile in it is answered without waiting.
 */
export function createLocalProfiles(random: () => number): LocalProfiles {
  const profiles = new LRUCache<string, LocalProfile>({
    ...PROFILES_MAX,
    ttl: TTL_MS,
    sizeCalculation: sizeOf,
  });
  const unknown = new LRUCache<string, true>(UNKNOWN);
  const outdated = new LRUCache<string, { at: number; isSuperseded: boolean }>(OUTDATED);
  const change = (key: string, isSuperseded: boolean): void => {
    unknown.delete(key);
    outdated.set(key, { at: steadyMs(), isSuperseded });
    const entry = profiles.get(key);
    if (entry !== undefined) Object.assign(entry, { checkedUntil: 0, isSuperseded });
  };
  const isOutdatedSince = (key: string, since: number): boolean =>
    (outdated.get(key)?.at ?? Number.NEGATIVE_INFINITY) >= since;
  return {
    get: (key) => profiles.get(key),
    set(key, { profile, freshUntil, since }) {
      unknown.delete(key);
      if (isOutdatedSince(key, since)) {
        const isSuperseded = outdated.get(key)?.isSuperseded === true;
        profiles.set(key, { profile, checkedUntil: 0, isSuperseded });
        return;
      }
      const checkMs = freshUntil > Date.now() ? CHECK_MS * (0.9 + 0.2 * random()) : RECHECK_MS;
      const checkedUntil = steadyMs() + checkMs;
      profiles.set(key, { profile, checkedUntil, isSuperseded: false });
    },
    setUnknown(key, since) {
      if (isOutdatedSince(key, since)) return;
      unknown.set(key, true);
      const entry = profiles.get(key);
      if (entry !== undefined) entry.checkedUntil = steadyMs() + UNKNOWN.ttl;
    },
    isUnknown: (key) => unknown.has(key),
    outdate: (key) => change(key, false),
    supersede: (key) => change(key, true),
    isOutdatedSince,
    drop: (key) => void profiles.delete(key),
    doubtAll() {
      unknown.clear();
      for (const entry of profiles.values()) entry.checkedUntil = 0;
    },
    get size() {
      return profiles.size;
    },
  };
}

/** A character takes two bytes at most. */
function sizeOf({ profile: { fields } }: LocalProfile): number {
  return ENTRY_BYTES + 2 * (fields.name.length + (fields.avatar_url?.length ?? 0));
}

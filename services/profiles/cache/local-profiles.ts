import { LRUCache } from 'lru-cache';
import type { Profile } from '../profile.ts';

export type LocalProfile = {
  profile: Profile;
  /** Until then (epoch ms) nobody looks whether there is something newer. */
  checkedUntil: number;
  /** Another instance has stored a newer one: look there first, show this only in need. */
  isSuperseded: boolean;
};

type Found = {
  profile: Profile;
  /** Epoch ms. */
  freshUntil: number;
  /** When it was asked for (epoch ms): what was outdated since then is not fresh. */
  since: number;
};

export type LocalProfiles = {
  get(key: string): LocalProfile | undefined;
  set(key: string, found: Found): void;
  /**
   * Asked for at `since` (epoch ms), the id had no profile: remembered for 30 s, unless it was
   * outdated meanwhile. An old profile is shown still.
   */
  setUnknown(key: string, since: number): void;
  isUnknown(key: string): boolean;
  /** It has changed at kaha-main-v3: shown still, looked after with the next lookup. */
  outdate(key: string): void;
  /** It has changed, and the new one is in Redis. */
  supersede(key: string): void;
  /** Whether it was outdated at that time (epoch ms) or later. */
  isOutdatedSince(key: string, since: number): boolean;
  drop(key: string): void;
  /** Events may have been missed: every profile is looked at again when it is asked for next. */
  doubtAll(): void;
  readonly size: number;
};

/** ~10 MB. Beyond it the profile that was not asked for longest goes; Redis has it still. */
const PROFILES_MAX = 20_000;
/** Old copies are of no use for longer than those in Redis. */
const TTL_MS = 24 * 3_600_000;
/** Few, and asked for again soon: they may have just signed up. */
const UNKNOWN = { max: 100_000, ttl: 30_000 };
/** Longer than any look for a profile takes. */
const OUTDATED = { max: 20_000, ttl: 60_000 };
/** How long a lost event can be seen; ±10 %, so that not all are looked at together. */
const CHECK_MS = 60_000;
/** What could not be refreshed is tried again no sooner. */
export const RECHECK_MS = 2_000;

/** The in-process cache in front of Redis. A profile in it is answered without waiting. */
export function createLocalProfiles(random: () => number): LocalProfiles {
  const profiles = new LRUCache<string, LocalProfile>({ max: PROFILES_MAX, ttl: TTL_MS });
  const unknown = new LRUCache<string, true>(UNKNOWN);
  const outdated = new LRUCache<string, { at: number; isSuperseded: boolean }>(OUTDATED);
  const change = (key: string, isSuperseded: boolean): void => {
    unknown.delete(key);
    outdated.set(key, { at: Date.now(), isSuperseded });
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
      const now = Date.now();
      const checkMs = freshUntil > now ? CHECK_MS * (0.9 + 0.2 * random()) : RECHECK_MS;
      const checkedUntil = now + checkMs;
      profiles.set(key, { profile, checkedUntil, isSuperseded: false });
    },
    setUnknown(key, since) {
      if (isOutdatedSince(key, since)) return;
      unknown.set(key, true);
      const entry = profiles.get(key);
      if (entry !== undefined) entry.checkedUntil = Date.now() + UNKNOWN.ttl;
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

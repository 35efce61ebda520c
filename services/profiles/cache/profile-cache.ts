import type { Redis } from 'ioredis';
import { newId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Profile, ProfileRef } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import { fromHash, type ProfileHash, toHash } from './profile-hash.ts';
import { MARK_STALE, WRITE_PROFILE } from './profile-scripts.ts';

/**
 * A profile whose `freshUntil` (epoch ms) has passed may still be shown, but has to be asked for
 * again.
 */
type CachedProfile = { profile: Profile; freshUntil: number };

type CacheRead = {
  found: Map<string, CachedProfile>;
  /** The map holds the stale markers that are set, by `ProfileRef.key`. */
  markers: Map<string, string>;
};

/** `seen` is the stale marker that was set before kaha-main-v3 was asked, or '' for none. */
export type CacheWrite = CachedProfile & { ref: ProfileRef; seen: string };

export type ProfileCache = {
  read(refs: readonly ProfileRef[]): Promise<CacheRead>;
  write(writes: readonly CacheWrite[]): Promise<void>;
  /**
   * Resolves with the keys of the profiles that Redis holds, or with undefined if Redis did not
   * take the markers.
   */
  markStale(refs: readonly ProfileRef[]): Promise<string[] | undefined>;
  drop(refs: readonly ProfileRef[]): Promise<void>;
};

type Deps = { redis: Redis; metrics: ProfilesMetrics; logger: Logger };
type Reply = [error: Error | null, result: unknown];

/**
 * A profile that is no longer fresh is shown for this long again if nothing better is to be had.
 */
const STALE_MS = 24 * 3_600_000;
const MARKER_TTL_MS = 5 * 60_000;

/**
 * The cache keeps profiles in Redis in the hashes `profile:user:<id>` and `profile:business:<id>`,
 * with the time until which they are fresh. A key `profile:stale:<kind>:<id>` says that
 * kaha-main-v3 has announced a change. Each call takes one round trip. While Redis is away or late,
 * every read is a miss and nothing is written; no call rejects. The log has only the name of a
 * Redis error, because the client attaches the command to the error.
 */
export function createProfileCache({ redis, metrics, logger }: Deps): ProfileCache {
  const failed = (error: unknown): undefined => {
    metrics.cacheFailures.inc();
    logger.debug({ reason: error instanceof Error ? error.name : 'unknown' }, 'cache failed');
    return undefined;
  };
  /** Returns undefined and counts a failure if any command of the pipeline failed. */
  const run = async (pipeline: {
    exec(): Promise<Reply[] | null>;
  }): Promise<unknown[] | undefined> => {
    try {
      const replies = (await pipeline.exec()) ?? [];
      const broken = replies.find(([error]) => error !== null);
      return broken === undefined ? replies.map(([, result]) => result) : failed(broken[0]);
    } catch (error) {
      return failed(error);
    }
  };
  return {
    async read(refs) {
      const pipeline = redis.pipeline();
      pipeline.mget(refs.map(({ key }) => markerKey(key)));
      for (const { key } of refs) pipeline.hgetall(hashKey(key));
      const [markers = [], ...hashes] = (await run(pipeline)) ?? [];
      return readReplies(refs, markers as (string | null)[], hashes as Partial<ProfileHash>[]);
    },
    async write(writes) {
      const pipeline = redis.pipeline();
      for (const { ref, profile, freshUntil, seen } of writes) {
        const ttlMs = Math.max(0, freshUntil - Date.now()) + STALE_MS;
        const fields = Object.entries(toHash(profile)).flat();
        const rest = [seen, freshUntil, ttlMs, ...fields];
        pipeline.eval(WRITE_PROFILE, 2, hashKey(ref.key), markerKey(ref.key), ...rest);
      }
      await run(pipeline);
    },
    async markStale(refs) {
      const pipeline = redis.pipeline();
      for (const { key } of refs) {
        pipeline.eval(MARK_STALE, 2, hashKey(key), markerKey(key), newId(), MARKER_TTL_MS);
      }
      const held = await run(pipeline);
      return held && refs.filter((_, index) => held[index] === 1).map(({ key }) => key);
    },
    async drop(refs) {
      const pipeline = redis.pipeline();
      pipeline.del(refs.flatMap(({ key }) => [hashKey(key), markerKey(key)]));
      await run(pipeline);
    },
  };
}

function readReplies(
  refs: readonly ProfileRef[],
  markers: readonly (string | null)[],
  hashes: readonly Partial<ProfileHash>[],
): CacheRead {
  const read: CacheRead = { found: new Map(), markers: new Map() };
  for (const [index, ref] of refs.entries()) {
    const marker = markers[index];
    const hash = hashes[index] ?? {};
    const profile = fromHash(ref, hash);
    if (marker) read.markers.set(ref.key, marker);
    if (profile === undefined) continue;
    const freshUntil = marker ? 0 : Number(hash.fresh_until) || 0;
    read.found.set(ref.key, { profile, freshUntil });
  }
  return read;
}

function hashKey(key: string): string {
  return `profile:${key}`;
}

function markerKey(key: string): string {
  return `profile:stale:${key}`;
}

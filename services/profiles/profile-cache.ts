import type { Redis } from 'ioredis';
import type { Logger } from '../../shared/logger.ts';
import { keyOf, type Profile, type ProfileMap, type ProfileRef } from './profile.ts';
import { fromHash, type ProfileHash, toHash } from './profile-hash.ts';
import type { ProfilesMetrics } from './profiles-metrics.ts';

export type ProfileCache = {
  read(refs: readonly ProfileRef[]): Promise<ProfileMap>;
  write(profiles: Iterable<Profile>): Promise<void>;
};

type Deps = { redis: Redis; metrics: ProfilesMetrics; logger: Logger; random: () => number };

const TTL_MS = 24 * 3_600_000;
/** ±10 %, so that what was filled together does not end together. */
const TTL_JITTER = 0.1;

/**
 * Profiles in Redis, hashes `profile:user:<id>` and `profile:business:<id>`, for a day. One round
 * trip per call. Redis away or late: everything is a miss and nothing is written; neither call
 * rejects.
 */
export function createProfileCache({ redis, metrics, logger, random }: Deps): ProfileCache {
  const failed = (error: unknown): void => {
    metrics.cacheFailures.inc();
    logger.debug({ err: error }, 'profile cache failed');
  };
  return {
    async read(refs) {
      const found: ProfileMap = new Map();
      const pipeline = redis.pipeline();
      for (const { key } of refs) pipeline.hgetall(redisKey(key));
      try {
        const answers = (await pipeline.exec()) ?? [];
        const broken = answers.find(([error]) => error !== null);
        if (broken !== undefined) failed(broken[0]);
        for (const [index, ref] of refs.entries()) {
          const hash = (answers[index]?.[1] ?? {}) as Partial<ProfileHash>;
          const profile = fromHash(ref, hash);
          if (profile !== undefined) found.set(ref.key, profile);
        }
      } catch (error) {
        failed(error);
      }
      return found;
    },
    async write(profiles) {
      const transaction = redis.multi();
      for (const profile of profiles) {
        const key = redisKey(keyOf(profile));
        transaction.hset(key, toHash(profile));
        transaction.pexpire(key, Math.round(TTL_MS * (1 + TTL_JITTER * (2 * random() - 1))));
      }
      try {
        await transaction.exec();
      } catch (error) {
        failed(error);
      }
    },
  };
}

function redisKey(key: string): string {
  return `profile:${key}`;
}

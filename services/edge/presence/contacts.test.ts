import { Redis } from 'ioredis';
import t from 'tap';
import { redisUrl } from '../../../dev/testing/test-servers.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { Contacts, UNTOLD_MS } from './contacts.ts';

const redis = new Redis(await redisUrl());
const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
t.teardown(() => redis.disconnect());

/** Another edge, whose clock was ahead by so much, has kept that the two share a conversation. */
async function keptBy(aheadMs: number) {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  await redis.hset(`contacts:${ann}`, bob, Date.now() + aheadMs);
  t.teardown(() => redis.del(`contacts:${ann}`));
  const asked: UserId[] = [];
  const contacts = new Contacts({
    redis,
    ask: async (_user, others) => {
      asked.push(...others);
      return { user_ids: [], passing_ids: [] };
    },
    logger,
  });
  const shared = await contacts.shared(ann, [bob], UNTOLD_MS);
  return { isShared: shared.has(bob), isAsked: asked.length > 0 };
}

t.test('what another edge has kept is used if its clock differs by some seconds', async (t) => {
  for (const aheadMs of [-10_000, 0, 30_000]) {
    t.same(await keptBy(aheadMs), { isShared: true, isAsked: false }, `${aheadMs}`);
  }
});

t.test('store is asked for what is too old, or was kept by a clock far ahead', async (t) => {
  for (const aheadMs of [-61_000, 62_000, 86_400_000]) {
    t.same(await keptBy(aheadMs), { isShared: false, isAsked: true }, `${aheadMs}`);
  }
});

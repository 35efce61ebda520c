import { once } from 'node:events';
import { Redis } from 'ioredis';
import t from 'tap';
import { redisUrl } from '../../../dev/testing/test-servers.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { Incarnation } from './incarnation.ts';
import { OnlineUsers } from './online-users.ts';
import { type Change, PresenceRedis } from './presence-redis.ts';

const client = new Redis(await redisUrl());
const redis = new PresenceRedis(client);
const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
t.teardown(() => client.disconnect());

const newUsers = (count: number) => Array.from({ length: count }, () => newId<UserId>());

/** The first heartbeat came long ago, so Redis knows who is offline too. */
const knowAll = (redis: Redis) => redis.set('presence:since', Date.now() - 60_000);

async function setEdge() {
  const owner = new Incarnation({ instance: `edge-t.${newId<string>()}`, redis });
  const told: Change[] = [];
  let losses = 0;
  owner.onLost(() => {
    losses += 1;
  });
  const announce = (change: Change) => void told.push(change);
  const online = new OnlineUsers({ redis, incarnation: owner, announce, logger });
  await owner.beat();
  await knowAll(client);
  const leave = async (userId: UserId): Promise<void> => {
    online.left(userId, { nowMs: 0, lastSeenAt: Date.now(), isLate: true });
    online.sweep(0);
    await online.flushed();
  };
  const statuses = () => told.map(({ status }) => status);
  t.teardown(() => redis.removeIncarnation(owner.name));
  return { owner, online, told, statuses, leave, losses: () => losses };
}

t.test('3000 users who come at once take few round trips, and each is told once', async (t) => {
  const { online, told } = await setEdge();
  const users = newUsers(3_000);
  for (const user of users) online.joined(user);
  t.equal(online.owed, 3_000);
  await online.flushed();
  t.equal(online.owed, 0);
  t.same(told.map(({ userId }) => userId).sort(), users.sort());
  t.ok((await redis.read(users.slice(0, 500))).every((presence) => presence?.status === 'online'));
});

t.test('systems that share a Redis by prefixes know nothing of each other', async (t) => {
  const url = new URL(await redisUrl());
  url.searchParams.set('keyPrefix', `${newId<string>()}:`);
  const foreign = new Redis(url.href);
  t.teardown(() => foreign.disconnect());
  const elsewhere = new PresenceRedis(foreign);
  await once(foreign, 'ready');
  const [one, other] = [`edge-t.${newId<string>()}`, `edge-t.${newId<string>()}`];
  await redis.beat(one, true);
  t.teardown(() => redis.removeIncarnation(one));
  const [user] = newUsers(1) as [UserId];
  await redis.register(one, [user]);
  await redis.handOver(one);
  t.match(await elsewhere.beat(other, true), { dead: [], closed: [] });
  await knowAll(foreign);
  t.match(await elsewhere.read([user]), [{ status: 'offline', atUs: 0 }]);
  const seen = await redis.beat(other, true);
  t.match(seen?.closed, [{ incarnation: one }], 'a system finds its own closed edge');
  t.teardown(() => redis.removeIncarnation(other));
});

t.test(
  'the first edge that a user joins tells it, and the last that the user leaves',
  async (t) => {
    const [one, other] = [await setEdge(), await setEdge()];
    const [user] = newUsers(1) as [UserId];
    one.online.joined(user);
    await one.online.flushed();
    other.online.joined(user);
    await other.online.flushed();
    await one.leave(user);
    t.match(await redis.read([user]), [{ status: 'online' }]);
    await other.leave(user);
    t.same([one.statuses(), other.statuses()], [['online'], ['offline']]);
    t.match(await redis.read([user]), [{ status: 'offline', lastSeenAt: Number }]);
  },
);

t.test('a user back within 5 s was never away, and one who is not back is gone', async (t) => {
  const { online, statuses } = await setEdge();
  const [user] = newUsers(1) as [UserId];
  const sweep = async (nowMs: number): Promise<void> => {
    online.sweep(nowMs);
    await online.flushed();
  };
  online.joined(user);
  await sweep(0);
  online.left(user, { nowMs: 1_000, lastSeenAt: 1, isLate: false });
  await sweep(5_999);
  online.joined(user);
  await sweep(6_000);
  t.same(statuses(), ['online'], 'the user came back 1 ms before the end');
  online.left(user, { nowMs: 7_000, lastSeenAt: 2, isLate: false });
  await sweep(11_999);
  t.same(statuses(), ['online']);
  await sweep(12_000);
  t.same(statuses(), ['online', 'offline']);
  t.match(await redis.read([user]), [{ status: 'offline', lastSeenAt: 2 }]);
});

t.test('clearing up a dead incarnation takes no user from a new one', async (t) => {
  const { owner, online, told, losses } = await setEdge();
  const dead = owner.name;
  const [stays, goes] = newUsers(2) as [UserId, UserId];
  for (const user of [stays, goes]) online.joined(user);
  await online.flushed();
  const next = `edge-t.${newId<string>()}`;
  await redis.beat(next, true);
  t.teardown(() => redis.removeIncarnation(next));
  await redis.register(next, [stays]);
  const { users } = await redis.usersOf(dead);
  const gone = users.map((userId) => ({ userId, lastSeenAt: 1 }));
  const changes = await redis.unregister(dead, gone, true);
  const offline = changes.filter(({ status }) => status === 'offline');
  t.same(
    offline.map(({ userId }) => userId),
    [goes],
  );
  await redis.removeIncarnation(dead);
  const [late] = newUsers(1) as [UserId];
  online.joined(late);
  await online.flushed();
  t.equal(losses(), 1, 'the edge is told that Redis no longer knows its incarnation');
  t.match(await redis.read([late]), [{ status: 'offline', atUs: 0 }]);
  await owner.beat();
  t.not(owner.name, dead);
  online.sweep(0);
  await online.flushed();
  t.match(await redis.read([stays, goes, late]), Array(3).fill({ status: 'online' }));
  t.equal(told.filter(({ userId }) => userId === stays).length, 1);
});

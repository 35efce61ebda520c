import t from 'tap';
import type { BusinessOpening } from '../../../shared/contracts/businesses.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { readBusinesses } from './business-presence.ts';
import type { Presence } from './presence-redis.ts';

const newUsers = (count: number) => Array.from({ length: count }, () => newId<UserId>());
const opening = (agents: UserId[], opens_at?: string): BusinessOpening => ({
  business_id: newId<BusinessId>(),
  agents,
  ...(opens_at !== undefined && { opens_at }),
});

/** Answers for store, and for Redis, where `here` are online and all others offline. */
function setParts(openings: readonly BusinessOpening[], here?: readonly UserId[]) {
  const asked: number[] = [];
  const read: number[] = [];
  const presenceOf = (id: UserId): Presence => {
    const status = here?.includes(id) ? 'online' : 'offline';
    return { status, atUs: 1, lastSeenAt: undefined };
  };
  const ask = async (ids: BusinessId[]) => {
    asked.push(ids.length);
    return openings.filter(({ business_id }) => ids.includes(business_id));
  };
  const ofUsers = async (ids: readonly UserId[]): Promise<Map<UserId, Presence>> => {
    read.push(ids.length);
    return new Map(here === undefined ? [] : ids.map((id) => [id, presenceOf(id)]));
  };
  const ids = openings.map(({ business_id }) => business_id);
  return { asked, read, ids, deps: { ask, presence: { ofUsers } } };
}

t.test('a business without an available agent is offline, and Redis is not asked', async (t) => {
  const { deps, ids, read } = setParts([opening([]), opening([], '2026-03-30T07:00:00.000Z')], []);
  t.same(await readBusinesses(deps, ids), [
    { business_id: ids[0], status: 'offline' },
    { business_id: ids[1], status: 'offline', opens_at: '2026-03-30T07:00:00.000Z' },
  ]);
  t.same(read, []);
});

t.test('the last of 1000 agents makes a business online, and reads are bounded', async (t) => {
  const agents = newUsers(1_000);
  const { deps, ids, read } = setParts([opening(agents), opening(newUsers(3))], agents.slice(-1));
  const [first, second] = await readBusinesses(deps, ids);
  t.equal(first?.status, 'online');
  t.equal(second?.status, 'offline');
  t.ok(read.every((count) => count <= 500));
});

t.test('while Redis is away, agents count as they said', async (t) => {
  const { deps, ids } = setParts([opening(newUsers(1)), opening([])]);
  const statuses = (await readBusinesses(deps, ids)).map(({ status }) => status);
  t.same(statuses, ['online', 'offline']);
});

t.test('200 businesses are asked for in batches, and repeated ids once', async (t) => {
  const user = newUsers(1);
  const { deps, ids, asked, read } = setParts(
    Array.from({ length: 200 }, () => opening(user)),
    user,
  );
  const told = await readBusinesses(deps, [...ids, ...ids]);
  t.same(
    told.map(({ business_id }) => business_id),
    ids,
  );
  t.ok(asked.every((count) => count <= 16));
  t.same(read, [1]);
});

t.test('a store that is away is no business that is offline', async (t) => {
  const { deps, ids } = setParts([opening([])]);
  const ask = () => Promise.reject(new Error('away'));
  await t.rejects(readBusinesses({ ...deps, ask }, ids), { message: 'away' });
});

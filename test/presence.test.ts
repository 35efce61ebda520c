import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { isAlive } from '../dev/processes/child.ts';
import { startStopwatch } from '../dev/testing/stopwatch.ts';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import { presenceKeys } from '../shared/presence/read-presence.ts';
import type { Client, Frame } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, setStack } from './stage/stack.ts';

const DRAIN_MS = 1_000;
/** A user whose last socket closed is offline this much later. */
const GRACE_MS = 5_000;
/** Watchers are told of it this much after the close at the latest, on a stopwatch. */
const TOLD_MS = GRACE_MS + 1_500;
/** The time at which a user was last seen is off by this much at most. */
const SEEN_MS = 1_000;
/** An edge takes requests this often without limiting their rate. */
const POLL_MS = 60;
/** Watchers are told this soon, on a stopwatch, that a user is online. */
const ONLINE_MS = 2_000;
const system = await setStack(t, {
  ...{ edges: 4, routers: 1, stores: 1, areServersOwn: true },
  env: { edge: { DRAIN_MS: String(DRAIN_MS), DRAIN_RECONNECT_MS: '500' } },
});
const redis = new Redis(system.stack.urls.redis);
redis.on('error', (error) => void error);
t.teardown(() => redis.disconnect());
// The edges have just begun to beat. The tests are about a Redis that has long known all users.
await redis.set(presenceKeys.since, Date.now() - 60_000);

type Entry = { user_id: string; status: string; last_seen_at?: string };
type Seen = Entry & { atMs: number };

async function connect(person: Person, edge = 1, device = 'phone') {
  const seen: Seen[] = [];
  const onFrame = (frame: Frame): void => {
    if (frame.type === 'presence') seen.push({ ...(frame as unknown as Seen), atMs: Date.now() });
  };
  return { client: await system.connectNew(person, { edge, device, onFrame }), seen };
}

async function watch(client: Client, ...people: { id: string }[]): Promise<Entry[]> {
  const answer = await client.ask({
    type: 'presence_watch',
    user_ids: people.map(({ id }) => id),
  });
  return (answer.data?.presence ?? []) as Entry[];
}

type Watching = Pick<Awaited<ReturnType<typeof scene>>, 'ann' | 'a'>;

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const a = await connect(ann, 1);
  return { ann, bob, conversation, a };
}

async function read(person: Person, ...others: { id: string }[]): Promise<Entry[]> {
  const query = others.map(({ id }) => id).join(',');
  const { token } = person;
  const answer = await system.rest('GET', `/api/v1/presence?user_ids=${query}`, { token });
  return (answer.body.presence ?? []) as Entry[];
}

const statuses = (seen: readonly Entry[]): string[] => seen.map(({ status }) => status);
const untilStatus = (seen: readonly Seen[], status: string) =>
  until(`the watcher hears ${status}`, () => seen.find((entry) => entry.status === status), 30_000);

/** Resolves with what the watcher is told of the user who has just come online. */
async function onlineAtOnce(t: Test, seen: readonly Seen[], maxMs = ONLINE_MS): Promise<Seen> {
  const watch = startStopwatch();
  const online = await untilStatus(seen, 'online');
  const tookMs = watch.stop();
  t.ok(tookMs < maxMs, `${tookMs} ms`);
  return online;
}

/** Returns what a watcher was told of one user. */
const of = (seen: readonly Seen[], { id }: { id: string }): Seen[] =>
  seen.filter(({ user_id }) => user_id === id);
const onlineNow = (person: Person, other: Person) =>
  until('the user is online', async () => (await read(person, other))[0]?.status === 'online');

/**
 * Resolves after another user left each of the edges and the watcher was told so. An edge tells of
 * users in the order in which they left it. So by then the watcher was told of all who left the
 * edge before, or will never be.
 */
async function othersLeave({ ann, a }: Watching, edges: number[]): Promise<void> {
  const others = await system.people(edges.length);
  await Promise.all(others.map((other) => system.conversation([ann, other])));
  const connected = await Promise.all(others.map((other, n) => connect(other, edges[n])));
  await Promise.all(others.map((other) => onlineNow(ann, other)));
  await watch(a.client, ...others);
  await Promise.all(connected.map(({ client }) => client.close()));
  await Promise.all(
    others.map((other) =>
      until('the watcher hears that the user left', () => of(a.seen, other).length > 0),
    ),
  );
  await a.client.settled();
}

/** The socket closed, as the edge saw it, between these two times; epoch ms. */
type Close = { fromMs: number; toMs: number };

/**
 * Checks that the watcher hears 5 s after a close that the user is offline, and that the user was
 * last seen at the close. The call must come at the close.
 */
async function offlineInTime(t: Test, seen: readonly Seen[], close: Promise<Close>): Promise<Seen> {
  const watch = startStopwatch();
  const offline = await untilStatus(seen, 'offline');
  const countedMs = watch.stop();
  const { fromMs, toMs } = await close;
  const lastSeenAtMs = Date.parse(offline.last_seen_at ?? '');
  t.ok(lastSeenAtMs >= fromMs, `${lastSeenAtMs - fromMs} ms after the close began`);
  t.ok(lastSeenAtMs <= toMs + SEEN_MS, `${lastSeenAtMs - toMs} ms after the close was seen`);
  t.ok(offline.atMs - lastSeenAtMs >= GRACE_MS, `${offline.atMs - lastSeenAtMs} ms`);
  t.ok(countedMs < TOLD_MS, `${countedMs} ms`);
  return offline;
}

// These tests run side by side. Each has its own people, and its own edge to end.
t.jobs = 8;
/**
 * A test with these options runs alone after the others, because it stops a server that all use.
 */
const ALONE = { buffered: false };

t.test('each watcher is told once, within 30 s, of users whose edge was killed', async (t) => {
  const { ann, bob, a } = await scene();
  const cid = await system.person();
  await system.conversation([cid, bob]);
  const c = await connect(cid, 2);
  await connect(bob, 3);
  const other = await connect(bob, 2, 'tablet');
  const dan = await system.person();
  await system.conversation([ann, dan]);
  await connect(dan, 3);
  await onlineNow(ann, dan);
  await watch(a.client, bob, dan);
  await watch(c.client, bob);
  const killedAt = Date.now();
  system.stack.kill('edge-3');
  const offline = await untilStatus(a.seen, 'offline');
  t.ok(offline.atMs - killedAt < 30_000, `${offline.atMs - killedAt} ms`);
  t.same(
    a.seen.map(({ user_id, status }) => [user_id, status]),
    [[dan.id, 'offline']],
    'Bob has a device on another edge',
  );
  t.same(c.seen, []);
  await other.client.close();
  await untilStatus(c.seen, 'offline');
  await until('both are told', () => a.seen.length === 2);
  t.equal(c.seen.length, 1);
  await system.stack.start('edge-3');
});

t.test('a user is online at once, and offline 5 s after the last socket closed', async (t) => {
  const { ann, bob, a } = await scene();
  t.same(await watch(a.client, bob), [{ user_id: bob.id, status: 'offline' }]);
  const b = await connect(bob, 2);
  const online = await onlineAtOnce(t, a.seen);
  t.equal(online.user_id, bob.id);
  t.same(await read(ann, bob), [{ user_id: bob.id, status: 'online' }]);
  const fromMs = Date.now();
  const close = b.client.close().then(() => ({ fromMs, toMs: Date.now() }));
  const offline = await offlineInTime(t, a.seen, close);
  t.match(await read(ann, bob), [{ status: 'offline', last_seen_at: offline.last_seen_at }]);
  t.same(statuses(a.seen), ['online', 'offline']);
});

t.test('one who comes back within 5 s, on any edge or device, was never offline', async (t) => {
  const { ann, bob, a } = await scene();
  await watch(a.client, bob);
  const phone = await connect(bob, 2);
  await onlineAtOnce(t, a.seen);
  await phone.client.close();
  const tablet = await connect(bob, 1, 'tablet');
  const again = await system.connect(bob, { edge: 2 });
  await tablet.client.close();
  await othersLeave({ ann, a }, [1, 2]);
  t.same(statuses(of(a.seen, bob)), ['online']);
  await again.close();
  await until('the watcher hears that Bob left', () => of(a.seen, bob).length > 1);
  t.same(statuses(of(a.seen, bob)), ['online', 'offline']);
});

t.test('users of a drained edge are offline 5 s after its end unless they return', async (t) => {
  const { ann, bob, a } = await scene();
  const cid = await system.person();
  await system.conversation([ann, cid]);
  const b = await connect(bob, 4);
  const c = await connect(cid, 4);
  await onlineNow(ann, bob);
  await onlineNow(ann, cid);
  await watch(a.client, bob, cid);
  const edge = system.stack.processes.find(({ name }) => name === 'edge-4');
  // No client leaves by itself, so the edge closes the sockets at the end of its drain. It ends
  // after it has written down when that was.
  const fromMs = Date.now() + DRAIN_MS;
  system.stack.kill('edge-4', 'SIGTERM');
  t.match(await Promise.all([b.client.closed, c.client.closed]), [{ code: 4000 }, { code: 4000 }]);
  const close = until('the edge has ended', () => {
    return edge !== undefined && !isAlive(edge) && { fromMs, toMs: Date.now() };
  });
  const offline = offlineInTime(t, a.seen, close);
  await system.connect(cid, { edge: 2 });
  await offline;
  await a.client.settled();
  t.same(
    a.seen.map(({ user_id, status }) => [user_id, status]),
    [[bob.id, 'offline']],
  );
  t.match(await read(ann, bob, cid), [{ status: 'offline' }, { status: 'online' }]);
});

t.test('no presence is told of a stranger, nor of one who has become a stranger', async (t) => {
  const { ann, bob, a } = await scene();
  const cid = await system.person();
  const c = await connect(cid, 2);
  t.match(await watch(a.client, cid, bob), [{ status: 'unknown' }, { status: 'offline' }]);
  t.same(await read(ann, cid), [{ user_id: cid.id, status: 'unknown' }]);
  const group = await system.conversation([ann, bob, cid]);
  t.equal((await onlineAtOnce(t, a.seen, 3_000)).user_id, cid.id, 'Cid is no stranger any more');
  const path = `/api/v1/conversations/${group}/participants/${cid.id}`;
  t.equal((await system.rest('DELETE', path, { token: ann.token })).status, 204);
  await until('it is noticed', async () => (await watch(a.client, cid))[0]?.status === 'unknown');
  await until('in REST too', async () => (await read(ann, cid))[0]?.status === 'unknown');
  const known = of(a.seen, cid).length;
  await c.client.close();
  await othersLeave({ ann, a }, [2]);
  t.equal(of(a.seen, cid).length, known);
});

t.test('REST knows at once when a user stops or starts being a stranger', async (t) => {
  const { ann, bob, a } = await scene();
  // Ann's edge may still be writing that she is online, and a stranger cannot see when it has.
  await onlineNow(bob, ann);
  const [cid, dan] = await system.people(2);
  t.match(await read(cid, ann), [{ status: 'unknown' }]);
  t.match(await watch(a.client, dan), [{ status: 'unknown' }]);
  await system.conversation([cid, ann]);
  t.match(await read(cid, ann), [{ status: 'online' }], 'after a request of their own');
  t.match(await read(dan, ann), [{ status: 'unknown' }]);
  const group = await system.conversation([ann, bob, dan]);
  t.match(await read(dan, ann), [{ status: 'online' }]);
  t.match(await watch(a.client, dan), [{ status: 'offline' }]);
  const path = `/api/v1/conversations/${group}/participants/${dan.id}`;
  t.equal((await system.rest('DELETE', path, { token: ann.token })).status, 204);
  t.match(await read(dan, ann), [{ status: 'unknown' }]);
});

t.test('no presence is told of users no longer watched, and 1000 can be watched', async (t) => {
  const { bob, a } = await scene();
  const frame = (type: string, user_ids: string[]) => a.client.ask({ type, user_ids });
  await watch(a.client, bob);
  t.same((await frame('presence_unwatch', [bob.id])).data, {});
  for (const _ of numbers(1, 5)) {
    const ids = numbers(1, 200).map(() => newId<string>());
    t.equal((await frame('presence_watch', ids)).type, 'reply');
  }
  t.equal((await frame('presence_watch', [bob.id])).error?.code, 'INVALID_REQUEST');
  const many = numbers(1, 201).map(() => newId<string>());
  t.equal((await frame('presence_watch', many)).error?.code, 'INVALID_REQUEST');
  t.equal((await frame('presence_watch', [])).error?.code, 'INVALID_REQUEST');
  await connect(bob, 2);
  await a.client.settled();
  t.same(a.seen, []);
});

t.test('REST takes 1 to 25 user ids in a URL', async (t) => {
  const { ann } = await scene();
  const status = async (query: string) =>
    (await system.rest('GET', `/api/v1/presence${query}`, { token: ann.token })).status;
  const ids = (count: number) =>
    `?user_ids=${numbers(1, count)
      .map(() => newId<string>())
      .join(',')}`;
  t.same(
    await Promise.all([ids(25), ids(26), '', '?user_ids=', '?user_ids=x'].map(status)),
    [200, 400, 400, 400, 400],
  );
});

t.test('within 10 s after Redis lost everything presence is as it was', ALONE, async (t) => {
  const { ann, bob, a } = await scene();
  const cid = await system.person();
  await system.conversation([ann, cid]);
  await watch(a.client, bob, cid);
  // A socket that is answered `unknown` hears later that Bob is online. So another one asks.
  const asking = await connect(ann, 1, 'tablet');
  const [b, c] = [await connect(bob, 2), await connect(cid, 2)];
  await until('both are online', () => a.seen.length === 2);
  await c.client.destroy();
  // The grace period of Cid ends after Redis has forgotten him.
  await delay(GRACE_MS - 1_000);
  const stopwatch = startStopwatch();
  await redis.flushall();
  const called = new Set<string | undefined>();
  while (!called.has('online')) {
    await delay(POLL_MS);
    called.add((await read(ann, bob))[0]?.status);
    called.add((await watch(asking.client, bob))[0]?.status);
  }
  t.notOk(called.has('offline'), 'who is online is unknown meanwhile');
  await until('Cid is said to be offline', () => of(a.seen, cid).length > 1);
  const tookMs = stopwatch.stop();
  t.ok(tookMs < 10_000, `${tookMs} ms`);
  t.match(await read(ann, bob, cid), [{ status: 'online' }, { status: 'offline' }]);
  await b.client.close();
  await until('Bob is said to be offline', () => of(a.seen, bob).length > 1);
  t.same(statuses(a.seen), ['online', 'online', 'offline', 'offline']);
});

t.test(
  'without Redis presence is unknown and the rest goes on, and then it recovers',
  ALONE,
  async (t) => {
    const { ann, bob, conversation, a } = await scene();
    await watch(a.client, bob);
    system.stack.kill('redis');
    await until(
      'the presence is unknown',
      async () => (await read(ann, bob))[0]?.status === 'unknown',
    );
    t.match(await watch(a.client, bob), [{ status: 'unknown' }]);
    const b = await connect(bob, 2);
    t.equal((await b.client.post(conversation, 'x')).type, 'reply');
    await a.client.messages(1);
    await system.stack.start('redis');
    await untilStatus(a.seen, 'online');
    await onlineNow(ann, bob);
    t.match(await watch(a.client, bob), [{ status: 'online' }]);
  },
);

t.test(
  'without NATS presence is unknown, and a change meanwhile is told once',
  ALONE,
  async (t) => {
    const { ann, bob, a } = await scene();
    const b = await connect(bob, 2);
    await onlineNow(ann, bob);
    t.match(await watch(a.client, bob), [{ status: 'online' }]);
    system.stack.kill('nats');
    await until(
      'the presence is unknown',
      async () => (await watch(a.client, bob))[0]?.status === 'unknown',
    );
    await b.client.close();
    await until('Bob is offline', async () => (await read(ann, bob))[0]?.status === 'offline');
    await system.stack.start('nats');
    await until(
      'the presence is known',
      async () => (await watch(a.client, bob))[0]?.status !== 'unknown',
    );
    t.same(statuses(a.seen), ['offline']);
    t.match(await watch(a.client, bob), [{ status: 'offline' }]);
  },
);

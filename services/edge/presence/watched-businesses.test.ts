import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { BusinessOpening } from '../../../shared/contracts/businesses.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Client } from '../stage/client.ts';
import { setStage } from '../stage/edge-stage.ts';

const stage = await setStage();
t.teardown(() => stage.close());
const router = await stage.startRouter();
const edge = await stage.startEdge();
const store = await stage.busOf('store-1');

/** A scripted store tells of these businesses, and of all others that nothing is set of them. */
const openings = new Map<BusinessId, Omit<BusinessOpening, 'business_id'>>();
const asked: { ids: BusinessId[]; atMs: number }[] = [];
const script = { answer: async (): Promise<void> => undefined };
store.serve(
  { subject: subjects.store('businesses.openings'), concurrencyMax: 99 },
  async (body) => {
    const { business_ids } = body as { business_ids: BusinessId[] };
    asked.push({ ids: business_ids, atMs: Date.now() });
    const businesses = business_ids.map((business_id) => ({
      ...{ business_id, is_online: false },
      ...openings.get(business_id),
    }));
    await script.answer();
    return { businesses };
  },
);
await store.nc.flush();

const newIds = (count: number) => Array.from({ length: count }, () => newId<BusinessId>());
const [user] = [newId<UserId>()];
let devices = 0;

function connect(): Promise<Client> {
  devices += 1;
  return stage.open(edge, devices % 8 === 0 ? newId<UserId>() : user, `device-${devices}`);
}

function setBusiness(is_online: boolean, more: Partial<BusinessOpening> = {}): BusinessId {
  const [id] = newIds(1) as [BusinessId];
  openings.set(id, { is_online, ...more });
  return id;
}

const watch = (client: Client, business_ids: BusinessId[], more = {}) =>
  client.ask({ type: 'presence_watch', business_ids, ...more });
const signal = (id: BusinessId, kind: string): boolean =>
  router.bus.publish(subjects.business(id), JSON.stringify({ kind }));
const askedFor = (id: BusinessId) => asked.filter(({ ids }) => ids.includes(id));
/** Resolves with what the client is told next of a business. */
const told = (client: Client, id: BusinessId) =>
  client.nextThat((frame) => frame.type === 'presence' && frame.business_id === id);

t.test('a watch is answered once for each business, in their order', async (t) => {
  const opens_at = '2026-12-24T08:00:00.000Z';
  const [open, closed] = [setBusiness(true), setBusiness(false, { opens_at })];
  const [unknown] = newIds(1) as [BusinessId];
  const client = await connect();
  const { data } = await watch(client, [closed, open, closed, unknown], { user_ids: [user] });
  t.same(data, {
    presence: [
      { user_id: user, status: 'unknown' },
      { business_id: closed, status: 'offline', opens_at },
      { business_id: open, status: 'online' },
      { business_id: unknown, status: 'offline' },
    ],
  });
});

t.test('watchers are told of a change, and not of what stays the same', async (t) => {
  const id = setBusiness(false);
  const [one, other] = [await connect(), await connect()];
  await watch(one, [id]);
  await watch(other, [id]);
  t.equal(askedFor(id).length, 1, 'the second watcher is told what is known');
  signal(id, 'availability');
  await until('store is asked again', () => askedFor(id).length === 2);
  openings.set(id, { is_online: true });
  signal(id, 'agents');
  const frame = { type: 'presence', business_id: id, status: 'online' };
  t.same(await told(one, id), frame);
  t.same(await told(other, id), frame);
  openings.set(id, { is_online: false, opens_at: '2026-12-24T08:00:00.000Z' });
  signal(id, 'availability');
  t.match(await told(one, id), { status: 'offline', opens_at: '2026-12-24T08:00:00.000Z' });
  openings.set(id, { is_online: false, opens_at: '2026-12-25T08:00:00.000Z' });
  signal(id, 'availability');
  t.match(await told(one, id), { opens_at: '2026-12-25T08:00:00.000Z' });
});

t.test('a step of the inbox, or what is no signal, makes an edge ask nothing', async (t) => {
  const id = setBusiness(false);
  const client = await connect();
  await watch(client, [id]);
  signal(id, 'step');
  router.bus.publish(subjects.business(id), 'nonsense');
  await router.bus.nc.flush();
  openings.set(id, { is_online: true });
  signal(id, 'availability');
  t.match(await told(client, id), { status: 'online' });
  t.equal(askedFor(id).length, 2);
});

t.test('many signals make an edge ask once a second', async (t) => {
  const id = setBusiness(false);
  const client = await connect();
  await watch(client, [id]);
  const before = asked.length;
  for (let sent = 0; sent < 500; sent += 1) signal(id, 'availability');
  await until('store is asked again', () => askedFor(id).length === 2);
  for (let sent = 0; sent < 500; sent += 1) signal(id, 'availability');
  await until('store is asked again', () => askedFor(id).length === 3);
  const times = askedFor(id).map(({ atMs }) => atMs) as [number, number, number];
  t.ok(times[1] - times[0] >= 950 && times[2] - times[1] >= 950, String(times));
  t.ok(asked.length - before <= 4, 'other businesses are not asked for');
});

t.test('what changes by itself is told when it does', async (t) => {
  const changes_in_ms = 1_500;
  const id = setBusiness(true, { changes_in_ms });
  const client = await connect();
  const startedMs = Date.now();
  await watch(client, [id]);
  openings.set(id, { is_online: false });
  t.match(await told(client, id), { status: 'offline' });
  const tookMs = Date.now() - startedMs;
  t.ok(tookMs >= changes_in_ms && tookMs < changes_in_ms + 2_000, `${tookMs} ms`);
});

t.test('a signal during a read makes an edge read again', async (t) => {
  const id = setBusiness(false);
  const client = await connect();
  script.answer = async () => {
    script.answer = async () => undefined;
    openings.set(id, { is_online: true });
    signal(id, 'availability');
    await router.bus.nc.flush();
  };
  const { data } = await watch(client, [id]);
  const status = (data as { presence: { status: string }[] }).presence[0]?.status;
  if (status === 'offline') t.match(await told(client, id), { status: 'online' });
  else t.equal(status, 'online');
});

t.test('whoever watches no more is told nothing more', async (t) => {
  const [id, other] = [setBusiness(false), setBusiness(false)];
  const client = await connect();
  await watch(client, [id, other]);
  const { data } = await client.ask({ type: 'presence_unwatch', business_ids: [id, id] });
  t.same(data, {});
  for (const one of [id, other]) openings.set(one, { is_online: true });
  for (const one of [id, other]) signal(one, 'availability');
  await told(client, other);
  t.equal(askedFor(id).length, 1, 'nobody watches it here');
});

t.test('while store is away a watch is refused, and watches nothing', async (t) => {
  const id = setBusiness(false);
  const client = await connect();
  script.answer = () => Promise.reject(new KahaError('DATABASE_UNAVAILABLE', 'away'));
  const { error } = await watch(client, [id], { user_ids: [newId<UserId>()] });
  t.match(error, { code: 'DATABASE_UNAVAILABLE' });
  script.answer = async () => undefined;
  const full = newIds(LIMITS.watchesMax);
  for (let from = 0; from < full.length; from += 200) {
    t.ok((await watch(client, full.slice(from, from + 200))).data, 'all places are free');
  }
});

t.test('a socket watches 1000 users and businesses together, and 200 a frame', async (t) => {
  const client = await connect();
  const users = Array.from({ length: 100 }, () => newId<UserId>());
  const businesses = newIds(900);
  const refused = { code: 'INVALID_REQUEST' };
  t.match((await watch(client, newIds(101), { user_ids: users })).error, refused);
  t.match((await watch(client, newIds(201))).error, refused);
  t.match((await watch(client, [])).error, refused);
  t.match((await watch(client, ['x' as BusinessId])).error, refused);
  for (let from = 0; from < 900; from += 100) {
    await watch(client, businesses.slice(from, from + 100));
  }
  await watch(client, businesses.slice(0, 100), { user_ids: users });
  t.match((await watch(client, newIds(1))).error, refused, 'the 1001st');
  const more = { type: 'presence_watch', user_ids: [newId<UserId>()] };
  t.match((await client.ask(more)).error, refused);
  t.ok((await watch(client, businesses.slice(0, 200))).data, 'what is watched may be named again');
  await client.ask({ type: 'presence_unwatch', business_ids: businesses.slice(0, 1) });
  t.ok((await client.ask(more)).data);
});

t.test('an edge that was cut off reads again what it watches', async (t) => {
  const id = setBusiness(false);
  const client = await connect();
  await watch(client, [id]);
  const before = askedFor(id).length;
  await stage.nats.restart();
  openings.set(id, { is_online: true });
  t.match(await told(client, id), { status: 'online' });
  t.ok(askedFor(id).length > before);
});

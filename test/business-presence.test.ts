import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { BusinessSettingsInput } from '../shared/protocol/business-requests.ts';
import { askAsService, makeBusiness, untilPresenceIsKnown } from './stage/business.ts';
import type { Frame } from './stage/client.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
await untilPresenceIsKnown(system);

/** A service makes a business with these agents, who are not available yet. */
async function newBusiness(settings: BusinessSettingsInput, agents: readonly Person[]) {
  const id = await makeBusiness(system, { agents });
  const set = await askAsService(system, `PUT /businesses/${id}`, settings);
  t.equal(set.status, 200);
  return id;
}

async function setStatus({ token }: Person, id: string, status: string): Promise<void> {
  const path = `/api/v1/businesses/${id}/availability`;
  const set = await system.rest('PUT', path, { token, body: { status } });
  t.equal(set.status, 200);
}

async function read({ token }: Person, ...ids: string[]): Promise<unknown> {
  const path = `/api/v1/presence?business_ids=${ids.join(',')}`;
  return (await system.rest('GET', path, { token })).body.presence;
}

const untilStatus = (who: Person, business_id: string, status: string) =>
  until(`the business is ${status}`, async () => {
    const [told] = (await read(who, business_id)) as { status: string }[];
    return told?.status === status ? told : undefined;
  });

t.test('a stranger sees a business come online and go with its last agent', async (t) => {
  const [ann, bob, stranger] = await system.people(3);
  const id = await newBusiness({ time_zone: 'Australia/Lord_Howe' }, [ann, bob]);
  t.same(await read(stranger, id), [{ business_id: id, status: 'offline' }]);
  await setStatus(ann, id, 'available');
  t.same(await read(stranger, id), [{ business_id: id, status: 'offline' }], 'Ann has no socket');
  await system.connectNew(ann);
  t.same(await untilStatus(stranger, id, 'online'), { business_id: id, status: 'online' });
  await setStatus(bob, id, 'available');
  await setStatus(ann, id, 'away');
  t.same(await read(stranger, id), [{ business_id: id, status: 'offline' }], 'Bob has no socket');
});

t.test('a closed business is offline, whoever is there, and tells when it opens', async (t) => {
  const [ann, stranger] = await system.people(2);
  const date = new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10);
  const hours = { time_zone: 'Asia/Kathmandu', hours: {} };
  const intervals = [['10:00', '12:00']] as const;
  const opens = await newBusiness({ ...hours, exceptions: [{ date, intervals: [...intervals] }] }, [
    ann,
  ]);
  const never = await newBusiness(hours, [ann]);
  const open = await newBusiness({ time_zone: 'Asia/Kathmandu' }, [ann]);
  for (const id of [opens, never, open]) await setStatus(ann, id, 'available');
  await system.connectNew(ann);
  await untilStatus(stranger, open, 'online');
  t.same(await read(stranger, opens, never), [
    { business_id: opens, status: 'offline', opens_at: `${date}T04:15:00.000Z` },
    { business_id: never, status: 'offline' },
  ]);
});

/** Watches businesses, and resolves with what the watcher is told of them from then on. */
async function watch(who: Person, ...business_ids: string[]) {
  const heard: Frame[] = [];
  const onFrame = (frame: Frame): void => {
    if (frame.type === 'presence') heard.push(frame);
  };
  const client = await system.connectNew(who, { onFrame });
  const { data } = await client.ask({ type: 'presence_watch', business_ids });
  const untilHeard = (count: number, waitMs?: number) =>
    until('the watcher is told', () => heard.length >= count && heard[count - 1], waitMs);
  return { first: data?.presence, untilHeard };
}

t.test('a stranger who watches a business is told of whatever changes it', async (t) => {
  const [ann, stranger] = await system.people(2);
  const id = await newBusiness({ time_zone: 'UTC' }, [ann]);
  const { first, untilHeard } = await watch(stranger, id);
  t.same(first, [{ business_id: id, status: 'offline' }]);
  const [online, offline] = ['online', 'offline'].map((status) => ({
    ...{ type: 'presence', business_id: id, status },
  }));
  await system.connectNew(ann);
  await setStatus(ann, id, 'available');
  t.same(await untilHeard(1), online, 'an agent is available');
  await setStatus(ann, id, 'away');
  t.same(await untilHeard(2), offline, 'the agent is away');
  await setStatus(ann, id, 'available');
  t.same(await untilHeard(3), online);
  const date = new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10);
  const exceptions = [{ date, intervals: [['10:00', '12:00']] }];
  const closed = { time_zone: 'UTC', hours: {}, exceptions };
  await askAsService(system, `PUT /businesses/${id}`, closed);
  t.same(await untilHeard(4), { ...offline, opens_at: `${date}T10:00:00.000Z` });
  await askAsService(system, `PUT /businesses/${id}`, { time_zone: 'UTC' });
  t.same(await untilHeard(5), online, 'it never closes again');
  await askAsService(system, `DELETE /businesses/${id}/agents/${ann.id}`);
  t.same(await untilHeard(6), offline, 'it has no agent any more');
});

t.test('a business is said to open and to close when it does', async (t) => {
  const [ann, stranger] = await system.people(2);
  const id = await newBusiness({ time_zone: 'UTC' }, [ann]);
  await system.connectNew(ann);
  await setStatus(ann, id, 'available');
  await untilStatus(stranger, id, 'online');
  const nextMinuteMs = Math.ceil((Date.now() + 1_000) / MINUTE_MS) * MINUTE_MS;
  const opens = new Date(nextMinuteMs).toISOString();
  const [date, time] = [opens.slice(0, 10), opens.slice(11, 16)];
  // An interval that ends before it starts is over on the next day.
  const intervals = [[time, time === '00:00' ? '23:59' : '00:00']];
  const later = { time_zone: 'UTC', hours: {}, exceptions: [{ date, intervals }] };
  await askAsService(system, `PUT /businesses/${id}`, later);
  const { first, untilHeard } = await watch(stranger, id);
  t.same(first, [{ business_id: id, status: 'offline', opens_at: opens }]);
  const waitMs = nextMinuteMs - Date.now() + 10_000;
  t.match(await untilHeard(1, waitMs), { status: 'online' });
  t.ok(Date.now() >= nextMinuteMs);
  t.ok(Date.now() - nextMinuteMs < 3_000, `${Date.now() - nextMinuteMs} ms after it has opened`);
});

t.test('users and businesses can be asked for together, and unknown ones are told', async (t) => {
  const [ann, bob] = await system.people(2);
  const unknown = newId<string>();
  const body = { user_ids: [bob.id], business_ids: [unknown, unknown] };
  const { token } = ann;
  const asked = await system.rest('POST', '/api/v1/presence/query', { token, body });
  t.same(asked.body.presence, [
    { user_id: bob.id, status: 'unknown' },
    { business_id: unknown, status: 'offline' },
  ]);
});

t.test('a query of nobody, of too many and of what is no id is refused', async (t) => {
  const [ann] = await system.people(1);
  const ids = (count: number) => Array.from({ length: count }, () => newId<string>());
  for (const body of [
    {},
    { user_ids: [], business_ids: [] },
    { business_ids: ids(201) },
    { user_ids: ids(101), business_ids: ids(100) },
    { business_ids: ['x'] },
    { business_ids: 'x' },
    { businesses: ids(1) },
  ]) {
    const { token } = ann;
    const asked = await system.rest('POST', '/api/v1/presence/query', { token, body });
    t.equal(asked.status, 400, JSON.stringify(body).slice(0, 60));
    t.equal(asked.body.error?.code, 'INVALID_REQUEST');
  }
});

t.test('a URL may name 25 users and businesses together', async (t) => {
  const [{ token }] = await system.people(1);
  const ids = (count: number) => Array.from({ length: count }, () => newId<string>()).join(',');
  const statusOf = async (query: string) =>
    (await system.rest('GET', `/api/v1/presence?${query}`, { token })).status;
  t.equal(await statusOf(`user_ids=${ids(13)}&business_ids=${ids(12)}`), 200);
  t.equal(await statusOf(`user_ids=${ids(13)}&business_ids=${ids(13)}`), 400);
  t.equal(await statusOf(`business_ids=${ids(26)}`), 400);
});

import t from 'tap';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { BusinessSettingsInput } from '../../../shared/protocol/business-requests.ts';
import { setStage } from '../stage/store-stage.ts';

const { store, sql } = await setStage(t);
const { operations } = store;

async function openings(...business_ids: BusinessId[]) {
  return (await operations['businesses.openings']({ business_ids }, 0)).businesses;
}

/** Makes a business with two agents, of whom the first is available. */
async function newBusiness(settings: BusinessSettingsInput) {
  const business_id = newId<BusinessId>();
  const of = { asker: 'service', business_id } as const;
  await operations['businesses.set_settings']({ ...of, settings }, 0);
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const agents = [{ user_id: ann }, { user_id: bob }];
  await operations['businesses.set_agents']({ ...of, agents }, 0);
  const status = { business_id, user_id: ann, status: 'available' } as const;
  await operations['businesses.set_status'](status, 0);
  return { business_id, ann, bob };
}

const dateIn = (days: number) =>
  new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

t.test('a business that never closes is online while somebody is available', async (t) => {
  const { business_id, ann } = await newBusiness({ time_zone: 'Asia/Kathmandu' });
  t.same(await openings(business_id), [{ business_id, is_online: true }]);
  for (const status of ['away', 'offline'] as const) {
    await operations['businesses.set_status']({ business_id, user_id: ann, status }, 0);
    t.same(await openings(business_id), [{ business_id, is_online: false }]);
  }
});

t.test('a closed business is offline, and tells when it opens', async (t) => {
  const day = dateIn(2);
  const { business_id } = await newBusiness({
    time_zone: 'UTC',
    hours: {},
    exceptions: [{ date: day, intervals: [['09:00', '12:00']] }],
  });
  const opens_at = `${day}T09:00:00.000Z`;
  const [opening] = await openings(business_id);
  t.match(opening, { business_id, is_online: false, opens_at });
  const changesAtMs = Date.now() + (opening?.changes_in_ms ?? 0);
  t.ok(Math.abs(changesAtMs - Date.parse(opens_at)) < 5_000, 'it changes when it opens');
});

t.test('an open business tells how long it stays open', async (t) => {
  const { business_id } = await newBusiness({
    time_zone: 'UTC',
    hours: {},
    exceptions: [dateIn(0), dateIn(1)].map((date) => ({ date, intervals: [['00:00', '24:00']] })),
  });
  const [opening] = await openings(business_id);
  t.match(opening, { business_id, is_online: true });
  t.notOk(opening?.opens_at);
  const changesAtMs = Date.now() + (opening?.changes_in_ms ?? 0);
  t.ok(Math.abs(changesAtMs - Date.parse(`${dateIn(2)}T00:00:00Z`)) < 5_000);
});

t.test('hours go by the clock of the database, whatever the clock of a store says', async (t) => {
  const { business_id } = await newBusiness({
    time_zone: 'UTC',
    hours: {},
    exceptions: [dateIn(0), dateIn(1)].map((date) => ({ date, intervals: [['00:00', '24:00']] })),
  });
  const now = Date.now();
  t.intercept(Date, 'now', { value: () => now + 7 * 86_400_000 });
  t.match(await openings(business_id), [{ is_online: true }]);
});

t.test('a business that never opens tells no time', async (t) => {
  const { business_id } = await newBusiness({ time_zone: 'UTC', hours: {} });
  t.same(await openings(business_id), [{ business_id, is_online: false }]);
});

t.test('a business is online until the grace of the last agent ends', async (t) => {
  const settings = { time_zone: 'UTC', offline_grace_s: 100 };
  const { business_id, ann, bob } = await newBusiness(settings);
  const status = { business_id, user_id: bob, status: 'available' } as const;
  await operations['businesses.set_status'](status, 0);
  const leave = (user_id: UserId, agoS: number) =>
    sql(
      `update business_agents set offline_since = now() - $2 * interval '1 second'
        where user_id = $1`,
      [user_id, agoS],
    );
  await leave(ann, 30);
  t.same(await openings(business_id), [{ business_id, is_online: true }], 'Bob is here');
  await leave(bob, 60);
  const [opening] = await openings(business_id);
  t.match(opening, { is_online: true });
  const endsInMs = opening?.changes_in_ms ?? 0;
  t.ok(endsInMs > 65_000 && endsInMs <= 70_000, `Ann's grace ends later, in ${endsInMs} ms`);
  for (const user of [ann, bob]) await leave(user, 100);
  t.same(await openings(business_id), [{ business_id, is_online: false }]);
});

t.test('a business of which nothing is set is offline, and answers keep the order', async (t) => {
  const unknown = newId<BusinessId>();
  const { business_id } = await newBusiness({ time_zone: 'Europe/Berlin' });
  t.same(await openings(unknown, business_id), [
    { business_id: unknown, is_online: false },
    { business_id, is_online: true },
  ]);
  t.same(await openings(), []);
});

t.test('what is no id, and more than 200 ids, are refused', async (t) => {
  const refused = { code: 'INVALID_REQUEST' };
  await t.rejects(openings('x' as BusinessId), refused);
  await t.rejects(openings(...Array.from({ length: 201 }, () => newId<BusinessId>())), refused);
});

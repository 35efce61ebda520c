import t from 'tap';
import type { BusinessAsker } from '../../../shared/contracts/businesses.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { BusinessSettingsInput } from '../../../shared/protocol/business-requests.ts';
import { setStage } from '../stage/store-stage.ts';

const { store, sql } = await setStage(t);
const { operations } = store;

const set = (asker: BusinessAsker, business_id: BusinessId, settings: BusinessSettingsInput) =>
  operations['businesses.set_settings']({ asker, business_id, settings }, 0);
const get = (asker: BusinessAsker, business_id: BusinessId) =>
  operations['businesses.get']({ asker, business_id }, 0);
const hire = (business_id: BusinessId, user_id: UserId, role: 'agent' | 'manager') =>
  operations['businesses.set_agent'](
    { asker: 'service', business_id, agent: { user_id, role } },
    0,
  );

const DEFAULTS = {
  assignment: 'least_busy',
  capacity: 5,
  offline_grace_s: 60,
  reassign_after_s: 300,
} as const;

t.test('settings are replaced as a whole, and what they leave out is the default', async (t) => {
  const id = newId<BusinessId>();
  const full: BusinessSettingsInput = {
    assignment: 'round_robin',
    capacity: 100,
    time_zone: 'Asia/Kathmandu',
    hours: { mon: [['09:00', '12:30']], sun: [] },
    exceptions: [{ date: '2028-02-29', intervals: [['22:00', '06:00']] }],
    away_message: ' We are back at nine. ',
    offline_grace_s: 600,
    reassign_after_s: 86_400,
  };
  t.same(await set('service', id, full), full);
  t.same(await get('service', id), full);
  const short = { time_zone: 'Europe/Berlin' };
  t.same(await set('service', id, short), { ...DEFAULTS, ...short });
  t.same(await get('service', id), { ...DEFAULTS, ...short }, 'nothing of before is left');
});

t.test('a business that is never open differs from one that is always open', async (t) => {
  const id = newId<BusinessId>();
  const closed = { ...DEFAULTS, time_zone: 'UTC', hours: {} };
  t.same(await set('service', id, closed), closed);
  t.same(await get('service', id), closed);
});

t.test('an away message of blanks is none, and so is an empty list of exceptions', async (t) => {
  const id = newId<BusinessId>();
  for (const away_message of ['', '  ', '\n\t\u00a0\u3000']) {
    const settings = { time_zone: 'UTC', exceptions: [], away_message };
    t.same(await set('service', id, settings), { ...DEFAULTS, time_zone: 'UTC' });
  }
});

t.test('managers and services set settings, agents read them, and nobody else does', async (t) => {
  const [id, other] = [newId<BusinessId>(), newId<BusinessId>()];
  const [manager, agent, elsewhere, stranger] = Array.from({ length: 4 }, () =>
    newId<UserId>(),
  ) as [UserId, UserId, UserId, UserId];
  await hire(id, manager, 'manager');
  await hire(id, agent, 'agent');
  await hire(other, elsewhere, 'manager');
  t.match(
    await get(agent, id),
    { time_zone: 'UTC', ...DEFAULTS },
    'the defaults before any is set',
  );
  const settings = { time_zone: 'Asia/Kathmandu' };
  t.match(await set(manager, id, settings), settings);
  for (const asker of [manager, agent, 'service'] as const) {
    t.match(await get(asker, id), settings);
  }
  for (const asker of [agent, elsewhere, stranger]) {
    await t.rejects(set(asker, id, { time_zone: 'UTC' }), { code: 'FORBIDDEN' });
  }
  for (const asker of [elsewhere, stranger]) {
    await t.rejects(get(asker, id), { code: 'FORBIDDEN' });
  }
  t.match(await get('service', id), settings, 'a refused command changes nothing');
});

t.test('a user learns nothing of which businesses there are, and a service does', async (t) => {
  const [id, nobody] = [newId<BusinessId>(), newId<UserId>()];
  await t.rejects(get('service', id), { code: 'NOT_FOUND' });
  await t.rejects(get(nobody, id), { code: 'FORBIDDEN' });
  await t.rejects(set(nobody, id, { time_zone: 'UTC' }), { code: 'FORBIDDEN' });
  const rows = await sql('select from businesses where business_id = $1', [id]);
  t.equal(rows.length, 0, 'a refused command makes no business');
});

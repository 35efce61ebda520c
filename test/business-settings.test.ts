import t from 'tap';
import { makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import { type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const UTC = { time_zone: 'UTC' };
const codeOf = ({ status, body }: RestAnswer): string =>
  status < 300 ? 'ok' : String(body.error?.code);
const on = (date: string, ...intervals: string[][]) => ({ date, intervals });

async function setScene() {
  const [customer, manager] = await system.people(2);
  const business = await makeBusiness(system, { managers: [manager] });
  const path = `/api/v1/businesses/${business}`;
  const { token } = manager;
  const set = (body: unknown) => system.rest('PUT', path, { token, body });
  const get = async () => (await system.rest('GET', path, { token })).body;
  const setAgent = (body: unknown) =>
    system.rest('PUT', `${path}/agents/${manager.id}`, { token, body });
  const presence = async () => {
    const query = `/api/v1/presence?business_ids=${business}`;
    const { body } = await system.rest('GET', query, { token: customer.token });
    return (body.presence as { status: string; opens_at?: string }[])[0];
  };
  return { customer, manager, business, set, get, setAgent, presence };
}

/** Each value is impossible for the reason that its name tells. */
const IMPOSSIBLE: Record<string, object> = {
  'no time zone': {},
  'a zone that nobody knows': { time_zone: 'Mars/Olympus' },
  'an offset, which is no zone': { time_zone: '+05:45' },
  'a time zone that climbs out': { time_zone: '../../etc/passwd' },
  'intervals that overlap': {
    ...UTC,
    hours: {
      mon: [
        ['09:00', '13:00'],
        ['12:00', '18:00'],
      ],
    },
  },
  'intervals that overlap past midnight': {
    ...UTC,
    hours: { mon: [['22:00', '06:00']], tue: [['05:00', '09:00']] },
  },
  'an interval past midnight that reaches into the next one': {
    ...UTC,
    hours: { sun: [['18:00', '10:00']], mon: [['09:00', '12:00']] },
  },
  'an empty interval': { ...UTC, hours: { mon: [['09:00', '09:00']] } },
  'an hour that no day has': { ...UTC, hours: { mon: [['09:00', '25:00']] } },
  'an interval of one time': { ...UTC, hours: { mon: [['09:00']] } },
  'a day that no week has': { ...UTC, hours: { someday: [['09:00', '18:00']] } },
  'a capacity of nothing': { ...UTC, capacity: 0 },
  'a capacity of 101': { ...UTC, capacity: 101 },
  'a capacity of half a conversation': { ...UTC, capacity: 1.5 },
  'a leap day of a year without one': { ...UTC, exceptions: [on('2027-02-29')] },
  'a date that comes twice': { ...UTC, exceptions: [on('2027-01-01'), on('2027-01-01')] },
  'a grace of 29 s': { ...UTC, offline_grace_s: 29 },
  'a grace of 601 s': { ...UTC, offline_grace_s: 601 },
  'another way to assign': { ...UTC, assignment: 'whoever' },
  'an away message of 1001 characters': { ...UTC, away_message: 'x'.repeat(1_001) },
  '401 exceptions': {
    ...UTC,
    exceptions: Array.from({ length: 401 }, (_, day) =>
      on(new Date(day * 86_400_000).toISOString().slice(0, 10)),
    ),
  },
  'an unknown field': { ...UTC, price: 7 },
};

t.test('impossible settings are refused, and the ones before stay', async (t) => {
  const { set, get, setAgent } = await setScene();
  const before = { ...UTC, hours: { mon: [['09:00', '18:00']] }, capacity: 7 };
  t.equal(codeOf(await set(before)), 'ok');
  for (const [name, settings] of Object.entries(IMPOSSIBLE)) {
    t.equal(codeOf(await set(settings)), 'INVALID_REQUEST', name);
  }
  t.match(await get(), before);
  for (const capacity of [0, 101, -1, 2.5, '5', null]) {
    const answer = await setAgent({ role: 'manager', capacity });
    t.equal(codeOf(answer), 'INVALID_REQUEST', String(capacity));
  }
});

t.test('dates at the ends of the calendar are taken, and the business goes on', async (t) => {
  const { customer, business, set, presence } = await setScene();
  const odd = {
    time_zone: 'Australia/Lord_Howe',
    hours: {},
    exceptions: [
      on('1970-01-01', ['00:00', '24:00']),
      on('2028-02-29', ['22:00', '04:00']),
      on('9999-12-31', ['22:00', '04:00']),
    ],
  };
  t.equal(codeOf(await set(odd)), 'ok');
  t.match(await presence(), { status: 'offline' });
  const talk = await BusinessConversation.open(system, customer, business);
  t.equal(codeOf(await talk.say(customer, 'Until the end of time')), 'ok');
  t.match((await talk.get(customer)).body, { state: 'waiting' });
});

t.test('an away message of blanks is none, and another one is told as it is', async (t) => {
  const { customer, business, set } = await setScene();
  const closed = { ...UTC, hours: {} };
  await set({ ...closed, away_message: ' \n\t ' });
  const talk = await BusinessConversation.open(system, customer, business);
  await talk.say(customer, 'Hello?');
  t.equal((await talk.history(customer)).length, 1);
  const text = '  {name} is on holiday \u2013 बन्द छ ';
  t.equal(codeOf(await set({ ...closed, away_message: text })), 'ok');
  await talk.say(customer, 'Still nobody?');
  t.match((await talk.get(customer)).body, { state: 'waiting', unread: 1, last_seq: 3 });
  await talk.say(customer, 'Well then.');
  const all = await talk.history(customer);
  t.match(
    all.map(({ sender_id, message_type }) => [sender_id, message_type]),
    [
      [customer.id, 'text'],
      [customer.id, 'text'],
      [business, 'system'],
      [customer.id, 'text'],
    ],
  );
  t.match(all[2], { content: text.trim(), metadata: { event: 'away_message' } });
});

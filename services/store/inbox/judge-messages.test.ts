import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { SETTING_DEFAULTS } from '../../../shared/protocol/business-requests.ts';
import type { BusinessSettings } from '../../../shared/protocol/business-shapes.ts';
import type { ConversationRow } from '../records/conversation-rows.ts';
import { judgeMessages } from './judge-messages.ts';

const [customer, agent, before] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
const NOTHING_SET = {
  unanswered_seq: null,
  unanswered_since: null,
  preferred_agent_id: null,
  waiting_since: null,
  opened_at: null,
  closed_at: null,
  has_answered: null,
  answered_at: null,
  away_until: null,
};
/** The judge reads no other columns than these. */
const rowOf = (columns: Partial<ConversationRow>) =>
  ({
    ...NOTHING_SET,
    state: 'closed',
    customer_id: customer,
    assignee_id: null,
    last_agent_id: null,
    ...columns,
  }) as ConversationRow;
const assigned = { state: 'assigned', assignee_id: agent, last_agent_id: agent } as const;

/** All times are of this Monday, and business hours are those of UTC. */
const at = (time: string) => `2026-11-30T${time}.000Z`;
const NEVER = '9999-12-31T23:59:59.999Z';
const NINE_TO_FIVE = { mon: [['09:00', '17:00'] as [string, string]] };
const settingsOf = (more: Partial<BusinessSettings> = {}): BusinessSettings => ({
  ...SETTING_DEFAULTS,
  time_zone: 'UTC',
  hours: NINE_TO_FIVE,
  away_message: 'We are away',
  ...more,
});

type Scene = {
  row?: Partial<ConversationRow>;
  by?: UserId[];
  time?: string;
  settings?: BusinessSettings | undefined;
};
/** The messages have the `seq` from 5 on, and were all sent at `time`. */
function judge({ row = {}, by = [customer], time = '12:00:00', ...more }: Scene) {
  const { settings = settingsOf() } = more;
  const sent = by.map((sender_id, index) => ({ sender_id, seq: 5 + index, sent_at: at(time) }));
  const known = 'settings' in more && more.settings === undefined ? undefined : settings;
  return judgeMessages({ conversation: rowOf(row), sent, settings: known, now: at(time) });
}

t.test('the first message of a customer opens the conversation', async (t) => {
  const since = at('12:00:00');
  t.same(judge({}), {
    change: 'added',
    set: {
      state: 'waiting',
      waiting_since: since,
      opened_at: since,
      unanswered_seq: 5,
      unanswered_since: since,
    },
  });
  const row = { last_agent_id: before, closed_at: at('10:00:00'), opened_at: at('09:00:00') };
  const again = judge({ row, by: [customer, customer] });
  t.match(again, { change: 'added', set: { preferred_agent_id: before, closed_at: null } });
  t.match(again.set, { opened_at: since, waiting_since: since, unanswered_seq: 5 });
});

t.test('further messages of a customer who waits change neither place nor time', async (t) => {
  const row = {
    state: 'waiting',
    waiting_since: at('08:00:00'),
    opened_at: at('08:00:00'),
  } as const;
  const unanswered = { unanswered_seq: 2, unanswered_since: at('08:00:00') };
  t.same(judge({ row: { ...row, ...unanswered } }), { change: 'updated', set: {} });
  const first = judge({ row });
  const set = { unanswered_seq: 5, unanswered_since: at('08:00:00') };
  t.same(first, { change: 'updated', set }, 'the conversation keeps its place');
});

t.test('a message to an agent is unanswered until the agent writes', async (t) => {
  const row = { ...assigned, has_answered: true, answered_at: at('11:00:00') };
  t.same(judge({ row }), {
    set: { unanswered_seq: 5, unanswered_since: at('12:00:00') },
  });
  const unanswered = { ...row, unanswered_seq: 3, unanswered_since: at('11:30:00') };
  t.same(judge({ row: unanswered }), { set: {} }, 'the first one counts');
  const reopened = { ...row, has_answered: false, unanswered_since: at('11:30:00') };
  t.same(judge({ row: reopened }), { set: { unanswered_seq: 5 } }, 'it waits since the reopening');
  t.same(judge({ row: unanswered, by: [agent] }), {
    set: { unanswered_seq: null, unanswered_since: null, answered_at: at('12:00:00') },
  });
  t.match(judge({ row: unanswered, by: [agent, customer] }).set, { unanswered_seq: 6 });
  t.match(judge({ row: unanswered, by: [customer, agent] }).set, { unanswered_seq: null });
});

t.test('the first answer since the opening tells how long the customer waited', async (t) => {
  const waited = { unanswered_seq: 1, unanswered_since: at('11:59:00'), opened_at: at('11:59:00') };
  const row = { ...assigned, ...waited, has_answered: false };
  const first = judge({ row, by: [agent, agent] });
  t.match(first, { firstResponseMs: 60_000, set: { has_answered: true } });
  t.notOk('change' in first);
  const earlier = { ...row, answered_at: at('11:00:00') };
  t.equal(judge({ row: earlier, by: [agent] }).firstResponseMs, 60_000, 'it was closed since');
  const later = { ...row, opened_at: at('10:00:00'), answered_at: at('11:00:00') };
  t.notOk('firstResponseMs' in judge({ row: later, by: [agent] }));
  const reopened = { ...assigned, opened_at: at('11:00:00'), unanswered_since: at('11:00:00') };
  t.notOk('firstResponseMs' in judge({ row: reopened, by: [agent] }), 'nobody has asked');
});

t.test('a closed business answers once until the time at which it said to open', async (t) => {
  const { awayMessage, set } = judge({ time: '08:00:00' });
  t.equal(awayMessage, 'We are away');
  t.equal(set.away_until, at('09:00:00'));
  const waiting = { state: 'waiting', waiting_since: at('08:00:00') } as const;
  const silent = { ...waiting, away_until: at('09:00:00') };
  t.notOk('awayMessage' in judge({ row: silent, time: '08:59:59' }));
  const later = settingsOf({ hours: { mon: [['11:00', '12:00']] } });
  const afterNine = judge({ row: silent, time: '09:00:00', settings: later });
  t.match(afterNine, { awayMessage: String, set: { away_until: at('11:00:00') } });
  const earlier = settingsOf({ hours: { mon: [['07:00', '08:30']] } });
  const beforeNine = judge({ row: silent, time: '08:45:00', settings: earlier });
  t.notOk('awayMessage' in beforeNine, 'hours that were edited since do not matter');
});

t.test('no away message comes while the business is open, or has none', async (t) => {
  t.notOk('awayMessage' in judge({ time: '09:00:00' }));
  t.notOk('awayMessage' in judge({ time: '16:59:59' }));
  t.ok('awayMessage' in judge({ time: '17:00:00' }));
  const { hours: _hours, ...always } = settingsOf();
  t.notOk('awayMessage' in judge({ time: '08:00:00', settings: always }));
  const { away_message: _text, ...silent } = settingsOf();
  t.notOk('awayMessage' in judge({ time: '08:00:00', settings: silent }));
  t.notOk('awayMessage' in judge({ time: '08:00:00', settings: undefined }));
});

t.test('no away message comes within 5 minutes of a message of an agent', async (t) => {
  const row = (time: string) => ({ ...assigned, answered_at: at(time) });
  t.notOk('awayMessage' in judge({ row: row('17:55:01'), time: '18:00:00' }));
  t.ok('awayMessage' in judge({ row: row('17:55:00'), time: '18:00:00' }));
  const both = { row: row('12:00:00'), time: '18:00:00' };
  t.notOk('awayMessage' in judge({ ...both, by: [customer, agent] }));
  t.notOk('awayMessage' in judge({ ...both, by: [agent, customer] }));
  t.notOk('awayMessage' in judge({ ...both, by: [agent] }), 'it answers customers alone');
});

t.test('a business that never opens answers once until an agent has written', async (t) => {
  const never = { settings: settingsOf({ hours: {} }), time: '18:00:00' };
  t.match(judge(never), { awayMessage: String, set: { away_until: NEVER } });
  const row = {
    ...assigned,
    away_until: NEVER,
    unanswered_seq: 1,
    unanswered_since: at('08:00:00'),
  };
  t.same(judge({ ...never, row }), { set: {} });
  t.equal(judge({ ...never, row, by: [agent] }).set.away_until, null);
  const named = { ...row, away_until: at('19:00:00') };
  t.notOk('away_until' in judge({ ...never, row: named, by: [agent] }).set, 'a time still holds');
});

import t from 'tap';
import type { TObject } from 'typebox';
import type { ConversationRecord, Participants } from '../contracts/conversations.ts';
import type { MessageRecord } from '../contracts/messages.ts';
import { newId, type UserId } from '../ids.ts';
import { serverFrames } from '../protocol/server-frames.ts';
import type { EventRow, Found } from './durable-event.ts';
import { DURABLE_EVENTS } from './durable-events.ts';

const [ann, bob] = [newId<UserId>(), newId<UserId>()];
const participants: Participants = {
  ...{ conversation_id: newId(), type: 'group', version: 3, user_ids: [ann, bob] },
  ...{ late: [[bob, 5]], joiners: [[bob, 5]] },
};
const created_at = new Date(5).toISOString();
const sent_at = new Date(3).toISOString();
const record = { seq: 4, sent_at, version: 2, reply_to: { content: '' } } as MessageRecord;
const update = { change: 'edited' as const, version: 2, changed_at: new Date(4).toISOString() };
const left = { version: 2, participants: [] as unknown[] } as ConversationRecord;

function foundFor(seq: number, repliedSeq: number | null = null): Found {
  return {
    participants,
    message: {
      seq,
      repliedSeq,
      record: () => ({ ...record, seq }),
      update: (recorded) => ({ ...recorded, seq, reactions: [] }) as never,
    },
    recordFor: (userId) => (userId === ann ? ({ version: 3 } as ConversationRecord) : undefined),
  };
}

function rowOf<Payload>(payload: Payload, seq: number | null = null): EventRow<Payload> {
  const { conversation_id } = participants;
  return { event_id: newId(), conversation_id, seq, payload, created_at };
}

t.test('each kind fits the header of an event and the type of a frame', async (t) => {
  const frames: Record<string, object> = serverFrames;
  for (const [kind, { fields }] of Object.entries(DURABLE_EVENTS)) {
    t.match(kind, /^[a-z_]{1,32}$/);
    const { type, q, ...rest } = (frames[kind] as TObject).properties;
    t.ok(type && q, 'no live event has the same type');
    t.same(rest, fields);
    t.notOk(['read', 'taken_late'].includes(kind), 'the feed has no other kind of this name');
  }
});

t.test('a message goes to its receivers, and its preview to those who see it', async (t) => {
  const { load } = DURABLE_EVENTS.message;
  const early = load(rowOf(null, 4), foundFor(4));
  t.match(early, { user_ids: [ann], at: sent_at, message: { version: 1 } });
  t.notOk(early && 'without_preview' in early);
  const reply = load(rowOf(null, 5), foundFor(5, 4));
  t.match(reply, { user_ids: [ann, bob], without_preview: [bob] });
});

t.test('an update goes to those who see the message, and has the time of the change', async (t) => {
  const { load } = DURABLE_EVENTS.message_updated;
  const at = update.changed_at;
  t.match(load(rowOf(update, 4), foundFor(4)), { user_ids: [ann], at, changed_at: at });
  t.match(load(rowOf(update, 5), foundFor(5)), { user_ids: [ann, bob] });
});

t.test('the event of a message that is gone owes nothing', async (t) => {
  const gone = { ...foundFor(4), message: undefined };
  t.equal(DURABLE_EVENTS.message.load(rowOf(null, 4), gone), undefined);
  t.equal(DURABLE_EVENTS.message_updated.load(rowOf(update, 4), gone), undefined);
});

t.test('a user who has left gets nothing but the event that closes the membership', async (t) => {
  const { load } = DURABLE_EVENTS.conversation;
  const carl = newId<UserId>();
  const change = 'participants' as const;
  const others = load(rowOf({ change, user_ids: [ann, carl] }), foundFor(1));
  t.match(others, { user_ids: [ann], at: created_at, records: { [ann]: { version: 3 } } });
  t.notOk(others && 'closes_membership' in others);
  const last = load(rowOf({ change, user_ids: [carl], left }), foundFor(1));
  t.match(last, { user_ids: [carl], version: 2, closes_membership: true });
  t.same(last?.records, { [carl]: left });
});

t.test('a payload of another shape does not fit its kind', async (t) => {
  const { message, message_updated, conversation } = DURABLE_EVENTS;
  for (const bad of [{}, 1, 'x', { change: 'unheard of', version: 1, changed_at: '' }]) {
    for (const { payload } of [message, message_updated, conversation]) {
      t.notOk(payload.check(bad), JSON.stringify(bad));
    }
  }
  t.ok(message.payload.check(null) && message_updated.payload.check(update));
  t.ok(conversation.payload.check({ change: 'created' }));
  t.notOk(conversation.payload.check({ change: 'created', left: {} }));
});

import t from 'tap';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import { decodeDurableEvent } from '../../../shared/contracts/events.ts';
import type { MessageRecord, MessageUpdate } from '../../../shared/contracts/messages.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import {
  type ConversationId,
  type EventId,
  type MessageId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import { deliveryOf, recipientsOf } from './deliveries.ts';
import type { Delivery } from './fan-out.ts';

const [ann, bob, carl] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
const user_ids = [ann, bob, carl];
const conversation_id = newId<ConversationId>();
const place = { message_id: newId<MessageId>(), conversation_id, seq: 7 };
const sent_at = new Date(0).toISOString();
const later = new Date(1).toISOString();
const said = { event: 'participant_left' as const, user_id: bob };
const left = {
  ...{ message_id: newId<MessageId>(), seq: 3, sender_id: bob, content: 'A participant left' },
  ...{ message_type: 'system' as const, sent_at },
};

function messageEntry(message: Partial<MessageRecord>): OutboxEntry {
  const record: MessageRecord = { conversation_id, version: 1, ...left, ...message };
  const address = { event_id: newId<EventId>(), conversation_id, user_ids: [ann], at: sent_at };
  return { ...address, kind: 'message', message: record };
}

function updateEntry(update: Partial<MessageUpdate>): OutboxEntry {
  const whole: MessageUpdate = {
    ...place,
    version: 2,
    change: 'reactions',
    reactions: [],
    ...update,
  };
  const address = { event_id: newId<EventId>(), conversation_id, user_ids, at: later };
  return { ...address, kind: 'message_updated', update: whole, changed_at: later };
}

const record: ConversationRecord = {
  ...{ conversation_id, type: 'group', title: 'Trek', version: 2, first_seq: 1, last_seq: 3 },
  ...{ last_read_seq: 3, unread: 0, is_muted: false, created_at: sent_at, last_activity: later },
  participants: [
    { user_id: ann, role: 'admin', joined_at: sent_at, delivered_seq: 3, read_seq: 3 },
  ],
  last_message: { ...left, said },
};
const event = {
  ...{ event_id: newId<EventId>(), conversation_id, user_ids: [ann], kind: 'conversation' },
  ...{ change: 'participants', records: { [ann]: record }, at: later, version: 2 },
} satisfies OutboxEntry;

function partsFor({ payload }: Delivery, userId = ann) {
  const bytes = payload instanceof Uint8Array ? payload : payload.get(userId);
  const { header, body } = decodeDurableEvent(bytes as Uint8Array) ?? {};
  return { isNameless: header?.isNameless, event: JSON.parse(Buffer.from(body ?? []).toString()) };
}

function eventFor(delivery: Delivery, userId: UserId): Record<string, unknown> {
  return partsFor(delivery, userId).event;
}

t.test('an event that shows people names them by id, and its header says so', async (t) => {
  const change = partsFor(deliveryOf(event));
  t.same(change.event, { type: 'conversation', change: 'participants', conversation: record });
  t.ok(change.isNameless);
  const system = partsFor(deliveryOf(messageEntry({ metadata: said })));
  t.match(system.event, { type: 'message', content: left.content, metadata: said });
  t.ok(system.isNameless);
});

t.test('a reply to a system message needs names too, and a plain message does not', async (t) => {
  const { message_id, sender_id, message_type, content } = left;
  const preview = { message_id, sender_id, message_type, content, said };
  const text = { message_type: 'text' as const, content: 'Namaste' };
  const reply = partsFor(deliveryOf(messageEntry({ ...text, reply_to: preview })));
  t.same(reply.event.reply_to, preview);
  t.ok(reply.isNameless);
  t.notOk(partsFor(deliveryOf(messageEntry(text))).isNameless);
});

t.test('users see which reactions are theirs, and users without one share the bytes', async (t) => {
  const reactions = [
    { emoji: '👍', user_ids: [ann, bob] },
    { emoji: '🎉', user_ids: [bob] },
  ];
  const delivery = deliveryOf(updateEntry({ reactions }));
  const mine = (userId: UserId) =>
    (eventFor(delivery, userId).reactions as { mine: boolean }[]).map((one) => one.mine);
  t.same(
    [mine(ann), mine(bob), mine(carl)],
    [
      [true, false],
      [true, true],
      [false, false],
    ],
  );
  t.match(eventFor(delivery, carl), { type: 'message_updated', ...place, version: 2 });
  const away = deliveryOf(
    updateEntry({ reactions: [{ emoji: '👍', user_ids: [newId<UserId>()] }] }),
  );
  t.type(away.payload, Uint8Array, 'a reaction of a user who has left is the same for all');
});

t.test('the update of a deleted message says only that it is deleted', async (t) => {
  const { message_id } = place;
  const deleted_at = new Date().toISOString();
  const delivery = deliveryOf(updateEntry({ change: 'deleted', deleted_at }));
  const expected = { type: 'message_updated', message_id, conversation_id, seq: 7, version: 2 };
  t.same(eventFor(delivery, ann), { ...expected, change: 'deleted', deleted_at });
});

t.test('a user who cannot see the replied message gets the reply without it', async (t) => {
  const sent = { sender_id: ann, version: 1, message_type: 'text' as const, sent_at: '' };
  const reply_to = { ...sent, message_id: newId<MessageId>(), content: 'hidden' };
  const reply: MessageRecord = { ...place, ...sent, content: 'an answer', reply_to };
  const address = { event_id: newId<EventId>(), conversation_id, user_ids };
  const entry = { ...address, kind: 'message' as const, message: reply };
  const delivery = deliveryOf({ ...entry, without_preview: [carl] });
  t.match(eventFor(delivery, bob), { reply_to: { content: 'hidden' } });
  const bare = eventFor(delivery, carl);
  t.match(bare, { type: 'message', content: 'an answer' });
  t.notMatch(JSON.stringify(bare), /hidden|reply_to/);
  t.type(deliveryOf({ ...entry, without_preview: [] }).payload, Uint8Array);
  const { payload } = deliveryOf({ ...entry, without_preview: [bob, carl] });
  const bytes = [bob, carl].map((userId) => payload instanceof Map && payload.get(userId));
  t.equal(bytes[0], bytes[1], 'users who see the same share the bytes');
});

t.test('a user without a record of a changed conversation gets no event', async (t) => {
  const entry = { ...event, user_ids: [bob, ann] };
  t.same(deliveryOf(entry).userIds, [ann]);
  t.same(recipientsOf(entry), [ann]);
  t.same(recipientsOf(updateEntry({})), user_ids, 'a body for all is for each user');
});

t.test('users whose bodies are alike and not the same object share no bytes', async (t) => {
  const reactions = [{ emoji: '👍', user_ids: [ann, bob] }];
  const { payload } = deliveryOf(updateEntry({ reactions }));
  const [first, second] = [ann, bob].map((userId) => payload instanceof Map && payload.get(userId));
  t.same(first, second);
  t.not(first, second);
});

t.test('the facts of an event say what happened and when, in ids alone', async (t) => {
  const { seq, sender_id } = left;
  const common = { conversation_id, at: sent_at };
  const message = deliveryOf(messageEntry({})).facts;
  t.same(message, { kind: 'message', ...common, seq, sender_id });
  t.same(deliveryOf(updateEntry({})).facts, {
    ...{ kind: 'message_updated', conversation_id, at: later },
    ...{ change: 'reactions', seq: 7, version: 2 },
  });
  t.same(deliveryOf(event).facts, {
    ...{ kind: 'conversation', conversation_id, at: later },
    ...{ change: 'participants', version: 2 },
  });
});

t.test('an entry of a store of the version before counts as changed just now', async (t) => {
  const startedAt = Date.now();
  const { at: _at, ...old } = event;
  t.ok(Date.parse(deliveryOf(old).facts.at) >= startedAt);
});

t.test('an entry of a kind that is not in the table is refused', async (t) => {
  t.throws(() => deliveryOf(event, {}), /unknown kind/);
  t.throws(() => recipientsOf(event, {}), /unknown kind/);
});

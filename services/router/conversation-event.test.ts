import t from 'tap';
import { decodeInbox } from '../../shared/events.ts';
import {
  type ConversationId,
  type EventId,
  type MessageId,
  newId,
  type UserId,
} from '../../shared/ids.ts';
import type { ConversationRecord, MessageRecord, OutboxEntry } from '../../shared/rpc.ts';
import { deliveriesOf, deliveryOf } from './conversation-event.ts';
import type { Delivery } from './fan-out.ts';
import { createLookUpNames } from './profile-names.ts';

const [anna, bob] = [newId<UserId>(), newId<UserId>()];
const conversation_id = newId<ConversationId>();
const sent_at = new Date(0).toISOString();
const said = { event: 'participant_left' as const, user_id: bob };
const left = {
  ...{ message_id: newId<MessageId>(), seq: 3, sender_id: bob, content: 'A participant left' },
  ...{ message_type: 'system' as const, sent_at },
};

function lookUpOf(names: Record<UserId, string>) {
  const asked: Set<UserId>[] = [];
  const lookUpNames = createLookUpNames(async ({ users }) => {
    asked.push(new Set(users));
    const known = Object.entries(names) as [UserId, string][];
    return { users: new Map(known.map(([id, name]) => [id, { id, name }])), businesses: new Map() };
  });
  return { asked, lookUpNames };
}

function messageEntry(message: Partial<MessageRecord>): OutboxEntry {
  const record: MessageRecord = { conversation_id, version: 1, ...left, ...message };
  const address = { event_id: newId<EventId>(), conversation_id, user_ids: [anna] };
  return { ...address, kind: 'message', message: record };
}

const record: ConversationRecord = {
  ...{ conversation_id, type: 'group', title: 'Trek', version: 2, first_seq: 1, last_seq: 3 },
  ...{ last_read_seq: 3, unread: 0, is_muted: false, created_at: sent_at, last_activity: sent_at },
  participants: [
    { user_id: anna, role: 'admin', joined_at: sent_at, delivered_seq: 3, read_seq: 3 },
  ],
  last_message: { ...left, said },
};
const event: OutboxEntry = {
  ...{ event_id: newId<EventId>(), conversation_id, user_ids: [anna], kind: 'conversation' },
  ...{ change: 'participants', records: { [anna]: record } },
};

function bodyOf({ payload }: Delivery) {
  const bytes = payload instanceof Uint8Array ? payload : (payload.get(anna) as Uint8Array);
  return JSON.parse(Buffer.from(decodeInbox(bytes)?.body ?? []).toString());
}

t.test('all that one change owes has names, asked for once, who has left too', async (t) => {
  const { asked, lookUpNames } = lookUpOf({ [anna]: 'Anna', [bob]: 'Bob' });
  const entries = [event, messageEntry({ metadata: said })];
  const [told, sent] = (await deliveriesOf(entries, lookUpNames)).map(bodyOf);
  t.same(asked, [new Set([anna, bob])]);
  t.same(told.conversation.last_message, { ...left, content: 'Bob left' });
  t.match(sent, { type: 'message', content: 'Bob left', metadata: said });
});

t.test('a repaired reply to one shows what it says, with names', async (t) => {
  const { lookUpNames } = lookUpOf({ [bob]: 'Bob' });
  const { message_id, sender_id, message_type, content } = left;
  const preview = { message_id, sender_id, message_type, content };
  const reply = { message_type: 'text' as const, reply_to: { ...preview, said } };
  const sent = bodyOf(await deliveryOf(messageEntry(reply), lookUpNames));
  t.same(sent.reply_to, { ...preview, content: 'Bob left' });
  t.equal(sent.content, left.content);
});

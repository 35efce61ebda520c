import t from 'tap';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import { decodeDurableEvent } from '../../../shared/contracts/events.ts';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import {
  type ConversationId,
  type EventId,
  type MessageId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import { deliveryOf } from './conversation-event.ts';
import type { Delivery } from './fan-out.ts';

const [anna, bob] = [newId<UserId>(), newId<UserId>()];
const conversation_id = newId<ConversationId>();
const sent_at = new Date(0).toISOString();
const said = { event: 'participant_left' as const, user_id: bob };
const left = {
  ...{ message_id: newId<MessageId>(), seq: 3, sender_id: bob, content: 'A participant left' },
  ...{ message_type: 'system' as const, sent_at },
};

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

function partsOf({ payload }: Delivery) {
  const bytes = payload instanceof Uint8Array ? payload : (payload.get(anna) as Uint8Array);
  const { header, body } = decodeDurableEvent(bytes) ?? {};
  return { isNameless: header?.isNameless, event: JSON.parse(Buffer.from(body ?? []).toString()) };
}

t.test('an event that shows people names them by id, and its header says so', async (t) => {
  const change = partsOf(deliveryOf(event));
  t.same(change.event, { type: 'conversation', change: 'participants', conversation: record });
  t.ok(change.isNameless);
  const system = partsOf(deliveryOf(messageEntry({ metadata: said })));
  t.match(system.event, { type: 'message', content: left.content, metadata: said });
  t.ok(system.isNameless);
});

t.test('a reply to a system message needs names too, and a plain message does not', async (t) => {
  const { message_id, sender_id, message_type, content } = left;
  const preview = { message_id, sender_id, message_type, content, said };
  const text = { message_type: 'text' as const, content: 'Namaste' };
  const reply = partsOf(deliveryOf(messageEntry({ ...text, reply_to: preview })));
  t.same(reply.event.reply_to, preview);
  t.ok(reply.isNameless);
  t.notOk(partsOf(deliveryOf(messageEntry(text))).isNameless);
});

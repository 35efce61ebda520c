import t from 'tap';
import { decodeDurableEvent } from '../../../shared/contracts/events.ts';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import type { MessageUpdate } from '../../../shared/contracts/outbox.ts';
import {
  type ConversationId,
  type EventId,
  type MessageId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import type { Delivery } from './fan-out.ts';
import { messageDelivery } from './message-event.ts';
import { updateDelivery } from './message-updated-event.ts';

const [ann, bob, carl] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
const user_ids = [ann, bob, carl];
const conversation_id = newId<ConversationId>();
const place = { message_id: newId<MessageId>(), conversation_id, seq: 7 };

function entryOf(update: Partial<MessageUpdate>) {
  const whole: MessageUpdate = {
    ...place,
    version: 2,
    change: 'reactions',
    reactions: [],
    ...update,
  };
  const kind = 'message_updated' as const;
  return {
    event_id: newId<EventId>(),
    conversation_id,
    user_ids,
    kind,
    update: whole,
    changed_at: '',
  } as const;
}

function eventFor({ payload }: Delivery, userId: UserId): Record<string, unknown> {
  const bytes = payload instanceof Uint8Array ? payload : payload.get(userId);
  const decoded = decodeDurableEvent(bytes as Uint8Array);
  return JSON.parse(Buffer.from(decoded?.body ?? []).toString());
}

t.test('users see which reactions are theirs, and users without one share the bytes', (t) => {
  const reactions = [
    { emoji: '👍', user_ids: [ann, bob] },
    { emoji: '🎉', user_ids: [bob] },
  ];
  const delivery = updateDelivery(entryOf({ reactions }));
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
  const away = updateDelivery(
    entryOf({ reactions: [{ emoji: '👍', user_ids: [newId<UserId>()] }] }),
  );
  t.type(away.payload, Uint8Array, 'of one who has left: the same for all');
  t.end();
});

t.test('the update of a deleted message says only that it is deleted', (t) => {
  const { message_id } = place;
  const deleted_at = new Date().toISOString();
  const delivery = updateDelivery(entryOf({ change: 'deleted', deleted_at }));
  const expected = { type: 'message_updated', message_id, conversation_id, seq: 7, version: 2 };
  t.same(eventFor(delivery, ann), { ...expected, change: 'deleted', deleted_at });
  t.end();
});

t.test('a user who cannot see the replied message gets the reply without it', (t) => {
  const sent = { sender_id: ann, version: 1, message_type: 'text' as const, sent_at: '' };
  const reply_to = { ...sent, message_id: newId<MessageId>(), content: 'hidden' };
  const record: MessageRecord = { ...place, ...sent, content: 'an answer', reply_to };
  const addressed = { eventId: newId<EventId>(), userIds: user_ids, record };
  const delivery = messageDelivery(addressed, [carl]);
  t.match(eventFor(delivery, bob), { reply_to: { content: 'hidden' } });
  const bare = eventFor(delivery, carl);
  t.match(bare, { type: 'message', content: 'an answer' });
  t.notMatch(JSON.stringify(bare), /hidden|reply_to/);
  t.type(messageDelivery(addressed, []).payload, Uint8Array);
  t.end();
});

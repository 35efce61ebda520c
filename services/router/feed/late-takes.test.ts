import t from 'tap';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { lateTakeEvent } from './late-takes.ts';

const conversationId = newId<ConversationId>();
const userId = newId<UserId>();
const eventId = newId<EventId>();
const atMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

t.test('a late take names the event, the device, and whether the client was in use', async (t) => {
  t.same(lateTakeEvent([conversationId, userId, 'phone', eventId, 7, atMs, true]), {
    kind: 'taken_late',
    event_id: eventId,
    at: '2026-01-02T03:04:05.006Z',
    conversation_id: conversationId,
    seq: 7,
    recipients: [{ user_id: userId, taken: ['phone'], in_use: true }],
  });
});

t.test(
  'a late take of an event without seq, by a client not in use, has neither field',
  async (t) => {
    const event = lateTakeEvent([conversationId, userId, 'phone', eventId, 0, atMs, false]);
    t.notOk('seq' in event);
    t.same(event.recipients, [{ user_id: userId, taken: ['phone'] }]);
  },
);

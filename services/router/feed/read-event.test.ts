import t from 'tap';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { readEvent } from './read-event.ts';

const input = { user_id: newId<UserId>(), conversation_id: newId<ConversationId>(), seq: 9 };
const reply = { version: 1, last_read_seq: 7, unread: 0 };
const at = '2026-01-02T00:00:00.000Z';
const raised = { read_at: at, delivered_seq: 7, delivered_at: at };

t.test('a read that raised the position is told with the last message read', async (t) => {
  const event = readEvent(input, { ...reply, raised });
  t.match(event, { kind: 'read', at, conversation_id: input.conversation_id, seq: 7 });
  t.same(event?.recipients, [{ user_id: input.user_id, taken: [] }]);
  const again = readEvent(input, { ...reply, raised });
  t.not(again?.event_id, event?.event_id);
});

t.test('a read that raised nothing is not told', async (t) => {
  t.equal(readEvent(input, reply), undefined);
});

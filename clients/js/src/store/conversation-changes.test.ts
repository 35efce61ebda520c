import t from 'tap';
import type { Conversation, Participant } from '../protocol/shapes.ts';
import { ANN, BOB, CONVERSATION, conversation, message } from '../stage/chat-scene.ts';
import {
  merged,
  reachedOf,
  takesPart,
  withMessage,
  withMessageUpdate,
  withPositions,
  withRead,
} from './conversation-changes.ts';

const at = (seq: number): string => `2026-11-21T10:00:0${seq}.000Z`;
const positionsOf = ({ participants }: Conversation, userId: string) =>
  participants.find(({ user_id: id }) => id === userId);

t.test('an older version of a record changes nothing', async (t) => {
  const known = conversation({ version: 3 });
  t.equal(merged(known, conversation({ version: 2 })), known);
  t.equal(merged(undefined, known), known);
});

t.test('a record from before the last events keeps what they told, and brings names', async (t) => {
  const known = withRead(withMessage(conversation(), message(2, { sent_at: at(2) }), ANN), 2);
  const next = merged(known, conversation({ name: 'Bobby', last_seq: 1, last_read_seq: 1 }));
  t.match(next, { name: 'Bobby', last_seq: 2, last_read_seq: 2, unread: 0, last_activity: at(2) });
  t.match(next.last_message, { seq: 2 });
  t.match(positionsOf(next, BOB), { delivered_seq: 2, read_seq: 2, read_at: at(2) });
  const newer = merged(known, conversation({ last_seq: 5, last_activity: at(5) }));
  t.match(newer, { last_seq: 5, last_activity: at(5), unread: 3 });
});

t.test('a message of somebody else is unread, and brings back what was archived', async (t) => {
  const known = conversation({ archived_at: at(0) });
  const next = withMessage(known, message(1, { sent_at: at(1) }), ANN);
  t.match(next, { last_seq: 1, unread: 1, last_read_seq: 0, last_activity: at(1) });
  t.match(next.last_message, { content: 'text 1', sender_id: BOB });
  t.notOk('archived_at' in next);
  t.equal(withMessage(next, message(3), ANN).unread, 3, 'those between are unread too');
});

t.test("one's own message has read all up to it", async (t) => {
  const known = withMessage(conversation(), message(1), ANN);
  t.match(withMessage(known, message(2, { sender_id: ANN }), ANN), { unread: 0, last_read_seq: 2 });
});

t.test('a late message does not take the place of the last one', async (t) => {
  const known = withMessage(conversation(), message(5, { sent_at: at(5) }), ANN);
  const next = withMessage(known, message(3, { sent_at: at(3) }), ANN);
  t.match(next, { last_seq: 5, last_activity: at(5), last_message: { seq: 5 } });
});

t.test('what a newcomer cannot see is not unread', async (t) => {
  t.equal(withMessage(conversation({ first_seq: 8 }), message(9), ANN).unread, 2);
});

t.test('who reads without taking part has neither a count nor a position', async (t) => {
  const { unread: _unread, last_read_seq: _read, ...bare } = conversation();
  const next = withMessage(bare, message(1), ANN);
  t.notOk('unread' in next);
  t.notOk('last_read_seq' in withPositions(next, { user_id: BOB, read_seq: 1 }));
});

t.test('the list shows the last message as it is after a change', async (t) => {
  const known = withMessage(conversation(), message(1), ANN);
  const same = { message_id: 'm1', conversation_id: CONVERSATION, seq: 1, version: 2 };
  const edited = withMessageUpdate(known, { ...same, change: 'edited', content: 'new' });
  t.equal(edited.last_message?.content, 'new');
  const deleted = withMessageUpdate(known, { ...same, change: 'deleted', deleted_at: at(1) });
  t.equal(deleted.last_message?.content, '');
  t.equal(withMessageUpdate(known, { ...same, change: 'reactions' }), known);
  t.equal(withMessageUpdate(known, { ...same, message_id: 'm0', change: 'edited' }), known);
});

t.test('positions rise alone, each with its own time', async (t) => {
  const raised = { user_id: BOB, delivered_seq: 3, delivered_at: at(3) };
  const known = withPositions(conversation(), raised);
  const read = { user_id: BOB, delivered_seq: 2, delivered_at: at(2), read_seq: 1, read_at: at(4) };
  t.match(positionsOf(withPositions(known, read), BOB), {
    ...{ delivered_seq: 3, delivered_at: at(3), read_seq: 1, read_at: at(4) },
  });
});

t.test('a read position rises alone, and not above the last message', async (t) => {
  const known = conversation({ last_seq: 4, last_read_seq: 2, unread: 2 });
  t.match(withRead(known, 3), { last_read_seq: 3, unread: 1 });
  t.match(withRead(known, 1), { last_read_seq: 2, unread: 2 });
  t.match(withRead(known, 9), { last_read_seq: 4, unread: 0 });
});

t.test('a message is as far as the last of the other people', async (t) => {
  const person = (user_id: string, delivered_seq: number, read_seq: number): Participant => {
    const common = { role: 'member', joined_at: at(0), name: '' } as const;
    return { ...common, user_id, delivered_seq, read_seq };
  };
  const { delivered_seq: _d, read_seq: _r, ...bare } = person('himal', 0, 0);
  const business: Participant = { ...bare, role: 'business' };
  const of = (...participants: Participant[]) => reachedOf(conversation({ participants }), ANN);
  t.same(of(person(ANN, 9, 9), person(BOB, 4, 2), person('cat', 3, 3)), { delivered: 3, read: 2 });
  t.same(of(person(ANN, 9, 9), business, person(BOB, 4, 2)), { delivered: 4, read: 2 });
  t.equal(of(person(ANN, 9, 9), business), undefined, 'nobody else is there');
  t.ok(takesPart(conversation(), ANN));
  t.notOk(takesPart(conversation(), undefined));
});

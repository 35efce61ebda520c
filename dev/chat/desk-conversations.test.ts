import t from 'tap';
import type { Conversation } from '../../clients/js/src/index.ts';
import { DeskConversations } from './desk-conversations.ts';

const ME = '33333333-0000-4000-8000-000000000001';
const OTHER = '33333333-0000-4000-8000-000000000002';
const AT = '2026-11-21T10:00:00.000Z';

type Some = Pick<Conversation, 'version'> & { state?: string; assignee_id?: string };

function conversationOf(some: Some, id = 'one'): Conversation {
  const times = { created_at: AT, last_activity: AT };
  const seqs = { first_seq: 1, last_seq: 1 };
  const conversation_id = id;
  const shared = { conversation_id, type: 'business', name: 'Himal Books', participants: [] };
  return { ...shared, ...seqs, ...times, ...some } as unknown as Conversation;
}

t.test('a conversation keeps its number through all its states', async (t) => {
  const desk = new DeskConversations(ME);
  const numberOf = (some: Some, id?: string) => desk.note(conversationOf(some, id)).known.number;
  t.equal(numberOf({ version: 1, state: 'waiting' }), 1);
  t.equal(numberOf({ version: 1, state: 'waiting' }, 'two'), 2);
  t.equal(numberOf({ version: 2, state: 'assigned', assignee_id: ME }), 1);
  t.equal(desk.byNumber('1').conversation.state, 'assigned');
  t.throws(() => desk.byNumber('3'), /number "3"/);
  t.throws(() => desk.byNumber(''), /number/);
});

t.test('the agent is told once what waits, what they have and what they lost', async (t) => {
  const desk = new DeskConversations(ME);
  const turnOf = (some: Some) => desk.note(conversationOf(some)).turn;
  t.equal(turnOf({ version: 1, state: 'waiting' }), 'waits');
  t.equal(turnOf({ version: 1, state: 'waiting' }), 'same', 'the same is told in several ways');
  t.equal(turnOf({ version: 2, state: 'assigned', assignee_id: ME }), 'mine');
  t.equal(turnOf({ version: 2, state: 'assigned', assignee_id: ME }), 'same');
  t.equal(desk.mine().length, 1);
  t.equal(turnOf({ version: 3, state: 'assigned', assignee_id: OTHER }), 'lost');
  t.equal(turnOf({ version: 4, state: 'waiting' }), 'waits');
  t.equal(turnOf({ version: 5, state: 'closed' }), 'same');
  t.equal(desk.mine().length, 0);
});

t.test('a conversation that comes late is passed over', async (t) => {
  const desk = new DeskConversations(ME);
  desk.note(conversationOf({ version: 3, state: 'waiting' }));
  const late = conversationOf({ version: 2, state: 'assigned', assignee_id: ME });
  t.equal(desk.note(late).turn, 'same');
  t.equal(desk.mine().length, 0);
});

t.test('a conversation that may not be seen any more is forgotten', async (t) => {
  const desk = new DeskConversations(ME);
  desk.note(conversationOf({ version: 1, state: 'assigned', assignee_id: ME }));
  t.equal(desk.drop('one')?.number, 1);
  t.equal(desk.drop('one'), undefined);
  t.same(desk.mine(), []);
  t.throws(() => desk.byNumber('1'));
});

t.test('a desk forgets old conversations, but none that the agent has', async (t) => {
  const desk = new DeskConversations(ME);
  desk.note(conversationOf({ version: 1, state: 'assigned', assignee_id: ME }, 'mine'));
  for (let count = 0; count < 1_100; count += 1) {
    desk.note(conversationOf({ version: 1, state: 'waiting' }, `other ${count}`));
  }
  t.equal(desk.mine().length, 1);
  t.throws(() => desk.byNumber('2'));
  t.ok(desk.byNumber('1101'));
});

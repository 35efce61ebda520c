import t from 'tap';
import type { InboxView } from '../protocol/requests.ts';
import type { Conversation } from '../protocol/shapes.ts';
import { ANN, ChatScene, conversation, restServer } from '../stage/chat-scene.ts';
import { Businesses } from './businesses.ts';

const BUSINESS = '55555555-5555-4555-8555-555555555555';
const nothing = (): void => undefined;
const COUNTS = { waiting: 2, assigned: 0, mine: 0 };

function waiting(id: string, since: string): Conversation {
  return conversation({ conversation_id: id, state: 'waiting', waiting_since: since });
}

/** The inbox has these conversations, and the version 5. */
async function scene(view: InboxView, conversations: Conversation[]) {
  const server = await new ChatScene().connect();
  const head = { version: 5, counts: COUNTS };
  server.answers.inbox = () => ({ conversations, next_cursor: null, ...head });
  server.answers.inbox_watch = () => head;
  const list = new Businesses(server.chat).inbox(BUSINESS, view);
  const end = list.subscribe(nothing);
  await server.pass(100);
  const ids = () => list.value.conversations.map(({ conversation_id: id }) => id);
  const say = (version: number, more: object) =>
    server.say({ type: 'inbox', business_id: BUSINESS, version, ...more });
  return { server, list, end, ids, say };
}

t.test('the inbox is read and watched while somebody looks', async (t) => {
  const { server, list, end, ids } = await scene('waiting', [waiting('a', '1'), waiting('b', '2')]);
  t.match(list.value, { counts: COUNTS, isLoaded: true, hasMore: false });
  t.same(ids(), ['a', 'b']);
  const { socket } = server.virtual;
  t.match(socket.sentOf('inbox_watch'), [{ business_id: BUSINESS }]);
  end();
  await server.answer();
  t.match(socket.sentOf('inbox_unwatch'), [{ business_id: BUSINESS }]);
  t.teardown(list.subscribe(nothing));
  await server.answer();
  t.equal(socket.sentOf('inbox').length, 2, 'nobody told of changes meanwhile');
});

t.test('what waits stands by how long, and goes when it is taken', async (t) => {
  const { ids, say, list } = await scene('waiting', [waiting('a', '1'), waiting('b', '3')]);
  await say(6, { change: 'added', conversation: waiting('c', '2') });
  t.same(ids(), ['a', 'c', 'b']);
  const taken = { ...waiting('a', '1'), state: 'assigned', assignee_id: ANN };
  await say(7, { change: 'assigned', conversation: taken });
  t.same(ids(), ['c', 'b']);
  await say(8, { change: 'assigned', conversation_id: 'c' });
  t.same(ids(), ['b'], 'one who may not see it any more gets its id alone');
  await say(9, {});
  await say(9, { counts: { waiting: 1, assigned: 1, mine: 1 } });
  t.match(list.value, { counts: { waiting: 1 } });
});

t.test('one has only what is assigned to oneself', async (t) => {
  const { ids, say } = await scene('mine', []);
  const assigned = (id: string, assignee_id: string) =>
    conversation({ conversation_id: id, state: 'assigned', assignee_id });
  await say(6, { change: 'assigned', conversation: assigned('a', ANN) });
  await say(7, { change: 'assigned', conversation: assigned('b', 'other') });
  t.same(ids(), ['a']);
  await say(8, { change: 'closed', conversation: { ...assigned('a', ANN), state: 'closed' } });
  t.same(ids(), []);
});

t.test('a gap in the versions, or a new session, reads the inbox again', async (t) => {
  const { server, ids, say } = await scene('waiting', [waiting('a', '1')]);
  const page = { conversations: [waiting('z', '1')], next_cursor: null, counts: COUNTS };
  server.answers.inbox = () => ({ ...page, version: 8 });
  await say(7, { change: 'added', conversation: waiting('b', '2') });
  await server.pass(100);
  t.same(ids(), ['z']);
  await say(8, { change: 'added', conversation: waiting('c', '2') });
  t.same(ids(), ['z'], 'what the page has is not told twice');
  server.answers.inbox = () => ({ ...page, conversations: [], version: 9 });
  await server.virtual.socket.end(1006);
  await server.session();
  await server.pass(100);
  t.same(ids(), []);
});

t.test('an event of another business changes nothing', async (t) => {
  const { server, ids } = await scene('waiting', [waiting('a', '1')]);
  await server.say({ type: 'inbox', business_id: 'other', version: 6, conversation_id: 'a' });
  t.same(ids(), ['a']);
});

t.test('older pages are added, unless the inbox was read again meanwhile', async (t) => {
  const { server, list, ids, say } = await scene('closed', []);
  const closed = (id: string) => conversation({ conversation_id: id, state: 'closed' });
  const head = { version: 7, counts: COUNTS };
  server.answers.inbox = ({ cursor }) =>
    cursor === 'next'
      ? { conversations: [closed('a'), closed('b')], next_cursor: null, ...head }
      : { conversations: [closed('a')], next_cursor: 'next', ...head };
  await say(7, {});
  await server.pass(100);
  const more = list.more();
  await server.answer();
  await more;
  t.same(ids(), ['a', 'b']);
  t.equal(list.value.hasMore, false);
  await list.more();
  t.same(ids(), ['a', 'b']);
});

t.test('agents and managers have the operations of the contract', async (t) => {
  const agents = `/businesses/${BUSINESS}/agents`;
  const { calls, fetch } = restServer({});
  const server = await new ChatScene({}, { fetch }).connect();
  const businesses = new Businesses(server.chat);
  const asked: string[] = [];
  for (const type of ['assign', 'release', 'close', 'reopen', 'availability']) {
    server.answers[type] = (frame) => {
      asked.push(JSON.stringify({ ...frame, id: undefined }));
      return conversation();
    };
  }
  const answers = [
    businesses.assign('c'),
    businesses.assign('c', { agent_id: ANN, force: true }),
    businesses.release('c'),
    businesses.close('c'),
    businesses.reopen('c'),
    businesses.setAvailability(BUSINESS, 'away'),
  ];
  await server.answer();
  await Promise.all(answers);
  t.same(asked, [
    '{"conversation_id":"c","type":"assign"}',
    `{"conversation_id":"c","agent_id":"${ANN}","force":true,"type":"assign"}`,
    '{"conversation_id":"c","type":"release"}',
    '{"conversation_id":"c","type":"close"}',
    '{"conversation_id":"c","type":"reopen"}',
    `{"business_id":"${BUSINESS}","status":"away","type":"availability"}`,
  ]);
  await businesses.settings(BUSINESS);
  await businesses.setSettings(BUSINESS, { time_zone: 'Asia/Kathmandu' });
  await businesses.agents(BUSINESS);
  await businesses.setAgent(BUSINESS, { user_id: ANN, role: 'manager' });
  await businesses.removeAgent(BUSINESS, ANN);
  t.same(calls, [
    { what: `GET /businesses/${BUSINESS}`, body: undefined },
    { what: `PUT /businesses/${BUSINESS}`, body: { time_zone: 'Asia/Kathmandu' } },
    { what: `GET ${agents}`, body: undefined },
    { what: `PUT ${agents}/${ANN}`, body: { role: 'manager' } },
    { what: `DELETE ${agents}/${ANN}`, body: undefined },
  ]);
});

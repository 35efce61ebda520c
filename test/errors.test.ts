import t, { type Test } from 'tap';
import { newId } from '../shared/ids.ts';
import type { Answer } from './stage/client.ts';
import { type Person, type RestAnswer, setStack } from './stage/stack.ts';
import { upgrade } from './stage/websocket.ts';

const system = await setStack(t, { edges: 1, routers: 1, stores: 1 });
const [ann, bob, eve] = await system.people(3);
const conversation = await system.conversation([ann, bob]);
const PATH = `/api/v1/conversations/${conversation}/messages`;

type Expected = { code: string; status: number; isRetryable?: boolean };
/** These words show how the server works inside. No error may tell a client any of them. */
const INSIDE =
  /select |insert |append_messages|postgres|nats:|rpc\.|\.ts:|\.js:|stack|127\.0\.0\.1/i;

/** Checks the one shape that errors have in frames and in HTTP bodies. */
function checkError(t: Test, error: Answer['error'], { code, isRetryable }: Expected): void {
  const { details, retry_after, ...rest } = error ?? {};
  t.match(rest, { code, message: /^.{3,}/ });
  t.same(Object.keys(rest).sort(), ['code', 'message']);
  if (isRetryable === true) t.ok((retry_after ?? 0) > 0, 'the error says when to try again');
  t.notMatch(JSON.stringify(error), INSIDE);
  t.ok(details === undefined || typeof details === 'object');
}

function checkRest(t: Test, answer: RestAnswer, expected: Expected): void {
  t.equal(answer.status, expected.status);
  t.match(answer.headers.get('content-type'), /^application\/json/);
  t.same(Object.keys(answer.body), ['error']);
  checkError(t, answer.body.error as Answer['error'], expected);
  const retryAfter = answer.headers.get('retry-after');
  if (expected.isRetryable === true) t.ok(Number(retryAfter) >= 1, 'Retry-After');
}

let devices = 0;
/**
 * Opens a session of a new device. The tests stay within the ten devices of a user that may have a
 * queue.
 */
const connect = (person: Person) => system.connectNew(person, { device: `device-${devices++}` });

const body = () => ({ client_msg_id: newId<string>(), content: 'x' });

t.test('INVALID_REQUEST says which field is wrong', async (t) => {
  const expected = { code: 'INVALID_REQUEST', status: 400 };
  const client = await connect(ann);
  const answer = await client.ask({ type: 'message', ...body(), conversation_id: 7 });
  checkError(t, answer.error, expected);
  t.match(JSON.stringify(answer.error), /conversation_id/);
  const rest = await system.rest('POST', PATH, { token: ann.token, body: { content: 7 } });
  checkRest(t, rest, expected);
  t.match(JSON.stringify(rest.body), /content/);
});

t.test('a caller without rights, or a missing thing, is refused with its own code', async (t) => {
  checkRest(t, await system.rest('GET', PATH), { code: 'UNAUTHENTICATED', status: 401 });
  const client = await connect(eve);
  const refused = await client.post(conversation, 'x');
  checkError(t, refused.error, { code: 'NOT_A_PARTICIPANT', status: 403 });
  const call = { token: eve.token };
  const rest = await system.rest('POST', PATH, { ...call, body: body() });
  checkRest(t, rest, { code: 'NOT_A_PARTICIPANT', status: 403 });
  const none = `/api/v1/conversations/${newId()}`;
  const notThere = { code: 'CONVERSATION_NOT_FOUND', status: 404 };
  checkRest(t, await system.rest('GET', none, call), notThere);
  checkError(t, (await client.post(newId(), 'x')).error, notThere);
  const nowhere = await system.rest('GET', '/api/v1/nowhere', call);
  checkRest(t, nowhere, { code: 'NOT_FOUND', status: 404 });
});

t.test('an Origin that is not allowed is refused with FORBIDDEN', async (t) => {
  const headers = { origin: 'https://evil.example' };
  const { status, body: text } = await upgrade(system.edgePort(), { headers });
  t.equal(status, 403);
  checkError(t, JSON.parse(text).error, { code: 'FORBIDDEN', status });
});

t.test('a second resync while one is under way is refused with CONFLICT', async (t) => {
  const client = await connect(ann);
  system.signal('router-1', 'SIGSTOP');
  for (const id of ['one', 'two']) {
    client.send({ type: 'auth', token: ann.token, resync: true, id });
  }
  const second = await client.next(({ id }) => id === 'two');
  system.signal('router-1', 'SIGCONT');
  t.match(await client.next('auth_ok'), { id: 'one', resumed: false });
  checkError(t, second.error, { code: 'CONFLICT', status: 409 });
  t.ok(client.isOpen);
});

t.test('a large body is PAYLOAD_TOO_LARGE, and too many sends are RATE_LIMITED', async (t) => {
  const content = 'x'.repeat(65_536);
  const large = await system.rest('POST', PATH, { token: ann.token, body: { content } });
  checkRest(t, large, { code: 'PAYLOAD_TOO_LARGE', status: 413 });
  const calls = Array.from({ length: 40 }, () =>
    system.rest('POST', PATH, { token: bob.token, body: body() }),
  );
  const limited = (await Promise.all(calls)).find(({ status }) => status === 429);
  const expected = { code: 'RATE_LIMITED', status: 429, isRetryable: true };
  checkRest(t, limited as RestAnswer, expected);
});

t.test('an INTERNAL error tells nothing of what broke', async (t) => {
  const client = await connect(ann);
  await client.post(conversation, 'to be damaged');
  const damage = `update messages set edited_at = 'infinity' where conversation_id = $1`;
  await system.sql(damage, [conversation]);
  const expected = { code: 'INTERNAL', status: 500 };
  const answer = await client.ask({ type: 'history', conversation_id: conversation });
  checkError(t, answer.error, expected);
  checkRest(t, await system.rest('GET', PATH, { token: ann.token }), expected);
  await system.sql('delete from messages where conversation_id = $1', [conversation]);
});

t.test('a send to a conversation that stays locked gets DATABASE_UNAVAILABLE', async (t) => {
  const client = await connect(ann);
  const lock = await system.pool.connect();
  await lock.query('begin');
  const statement = 'select from conversations where conversation_id = $1 for update';
  await lock.query(statement, [conversation]);
  const expected = { code: 'DATABASE_UNAVAILABLE', status: 503, isRetryable: true };
  checkError(t, (await client.post(conversation, 'x')).error, expected);
  checkRest(t, await system.rest('POST', PATH, { token: ann.token, body: body() }), expected);
  await lock.query('rollback');
  lock.release();
  t.equal((await client.post(conversation, 'free')).type, 'reply');
});

t.test('while no router or no store is there, requests get a typed error', async (t) => {
  const client = await connect(ann);
  for (const [name, code] of [
    ['store-1', 'DATABASE_UNAVAILABLE'],
    ['router-1', 'MESSAGING_UNAVAILABLE'],
  ] as const) {
    const expected = { code, status: 503, isRetryable: true };
    await system.stack.stopProcess(name);
    checkError(t, (await client.post(conversation, 'x')).error, expected);
    checkRest(t, await system.rest('POST', PATH, { token: ann.token, body: body() }), expected);
    await system.stack.start(name);
  }
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});

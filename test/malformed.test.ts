import t from 'tap';
import { newId } from '../shared/ids.ts';
import type { Answer, Client } from './stage/client.ts';
import { shareStack } from './stage/stack.ts';
import { OPCODES } from './stage/websocket.ts';

const system = await shareStack(t);
const [ann, bob] = await system.people(2);
const conversation = await system.conversation([ann, bob]);
const witness = await system.connectNew(bob);

const KIB = 1_024;
/** A socket may send this many bad frames within a minute. The next one closes it. */
const BAD_FRAMES_MAX = 10;
const TOO_MANY_BAD_FRAMES = 4501;
const device = (() => {
  let count = 0;
  return () => `device-${count++ % 5}`;
})();

/** Returns a valid message frame with the given changes. */
function message(changes: Record<string, unknown>): Record<string, unknown> {
  const right = { client_msg_id: newId<string>(), conversation_id: conversation, content: 'x' };
  return { type: 'message', ...right, ...changes };
}

/** Returns the text of `depth` objects, each inside the one before. */
function nested(depth: number): string {
  return `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
}

/** Returns the text of a message with a value that JSON.stringify would not write. */
function raw(name: string, value: string, changes: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...message(changes), [name]: 0 }).replace(
    new RegExp(`"${name}":0`),
    `"${name}":${value}`,
  );
}

const UPPER = newId<string>().toUpperCase();
const ID_TRICKS = ['*', '>', 'a.b', `${conversation}.*`, ' ', '', UPPER, 'x'.repeat(36)];

/** Each value is a bad frame, or the text of one, under a name that says what is bad. */
const BAD: Record<string, unknown> = {
  'an empty frame': '',
  'not JSON': '{"type":"ping"',
  'two frames in one': '{"type":"ping"}{"type":"ping"}',
  'a JSON string': '"ping"',
  'a JSON array': '[{"type":"ping"}]',
  null: 'null',
  'a number': '17',
  'no type': { id: 1 },
  'a type that is no string': { type: 7 },
  'an unknown type': { type: 'shutdown' },
  'a type of the server': { type: 'auth_ok' },
  'a type that objects have': { type: 'toString' },
  'an unknown field': { type: 'ping', extra: 1 },
  'an unknown field of a message': message({ sender_id: bob.id }),
  'an id that is an object': { type: 'ping', id: {} },
  'an id that is a fraction': { type: 'ping', id: 1.5 },
  'an id of 65 characters': { type: 'ping', id: 'x'.repeat(65) },
  'an ack without q': { type: 'ack' },
  'an ack below zero': { type: 'ack', q: -1 },
  'an ack of a text': { type: 'ack', q: '1' },
  'an ack of 1e400': '{"type":"ack","q":1e400}',
  'an id beyond 2^53-1': '{"type":"ping","id":9007199254740993}',
  'an id of 1e400': '{"type":"ping","id":1e400}',
  'metadata with 2^53+1': raw('metadata', '{"a":[{"b":9007199254740993}]}'),
  'metadata with 1e400': raw('metadata', '{"a":-1e400}'),
  'a byte order mark': '\ufeff{"type":"ping"}',
  'content that is a number': message({ content: 5 }),
  'content that is null': message({ content: null }),
  'content that is empty': message({ content: '' }),
  'content of 8001 characters': message({ content: 'é'.repeat(8_001) }),
  'NUL in content': message({ content: 'a\0b' }),
  'a lone high surrogate': raw('content', '"a\\ud83d"'),
  'a lone low surrogate': raw('content', '"\\ude00b"'),
  'surrogates in wrong order': raw('content', '"\\ude00\\ud83d"'),
  'a lone surrogate as a key': raw('metadata', '{"\\ud83d":1}'),
  'NUL as a key': raw('metadata', '{"a\\u0000":1}'),
  'metadata that is a list': message({ metadata: [1] }),
  'metadata above 4 KiB': message({ metadata: { a: 'x'.repeat(4 * KIB) } }),
  'metadata nested too deep': raw('metadata', nested(8)),
  'nested a thousand deep': raw('metadata', nested(1_000)),
  'lists nested deep': raw('metadata', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`),
  '__proto__ in metadata': raw('metadata', '{"__proto__":{"is_admin":true}}'),
  '__proto__ of the frame': `{"__proto__":{"type":"ping"},"type":"ping"}`,
  '__proto__ with an escape': raw('metadata', '{"\\u005f_proto__":1}'),
  constructor: message({ metadata: { constructor: { prototype: {} } } }),
  prototype: message({ metadata: { a: [{ prototype: 1 }] } }),
  'an unknown message_type': message({ message_type: 'system' }),
  'reply_to that is no id': message({ reply_to: 'first' }),
  'reply_to of no message': message({ reply_to: newId<string>() }),
  'history with two positions': {
    ...{ type: 'history', conversation_id: conversation, before_seq: 3, after_seq: 1 },
  },
  'history with limit 0': { type: 'history', conversation_id: conversation, limit: 0 },
  'history with limit 201': { type: 'history', conversation_id: conversation, limit: 201 },
  'history since nonsense': { type: 'history', conversation_id: conversation, since: 'now' },
  'history since the year 0000': {
    ...{ type: 'history', conversation_id: conversation, since: '0000-01-01T00:00:00Z' },
  },
  'a cursor of nobody': { type: 'conversations', cursor: 'eyJhIjoxfQ' },
  'a conversation of one': {
    type: 'create_conversation',
    conversation: { type: 'direct', participant_ids: [] },
  },
  'a group of nine': {
    type: 'create_conversation',
    conversation: { type: 'group', participant_ids: Array.from({ length: 8 }, () => newId()) },
  },
  'a conversation of two with a business': {
    type: 'create_conversation',
    conversation: { type: 'business', business_id: newId<string>(), participant_ids: [bob.id] },
  },
  'an assignment to nobody': { type: 'assign', conversation_id: conversation, agent_id: null },
};
for (const id of ID_TRICKS) {
  BAD[`conversation_id "${id}"`] = message({ conversation_id: id });
  BAD[`client_msg_id "${id}"`] = message({ client_msg_id: id });
  BAD[`participant "${id}"`] = {
    type: 'create_conversation',
    conversation: { type: 'direct', participant_ids: [id] },
  };
}

const isAnswer = ({ type }: Answer): boolean => type === 'error' || type === 'reply';

t.test('each bad frame is answered with one error, and the socket stays open', async (t) => {
  let client: Client | undefined;
  for (const [index, [name, frame]] of Object.entries(BAD).entries()) {
    if (index % BAD_FRAMES_MAX === 0) {
      await client?.close();
      client = await system.connect(ann, { device: device() });
    }
    const { send, next } = client as Client;
    send.call(client, frame);
    const answer: Answer = await next.call(client, isAnswer as never);
    t.match(answer, { type: 'error', error: { code: 'INVALID_REQUEST', message: String } }, name);
    const { id } = (typeof frame === 'object' ? frame : {}) as { id?: unknown };
    if (typeof id === 'number' && Number.isInteger(id)) t.equal(answer.id, id);
    await (client as Client).settled();
  }
  const answer = await (client as Client).post(conversation, 'all is well');
  t.match(answer.data, { seq: 1 });
  t.match(await witness.messages(1), [{ content: 'all is well', seq: 1 }]);
  t.equal(({} as Record<string, unknown>).is_admin, undefined);
});

t.test('a valid frame that looks like a bad one is carried out', async (t) => {
  const client = await system.connect(ann, { device: device() });
  const good: [string, unknown][] = [
    ['8000 characters of four bytes', message({ content: '🙂'.repeat(8_000) })],
    ['nested eight deep', raw('metadata', nested(7))],
    ['a pair of surrogates', raw('content', '"\\ud83d\\ude00"')],
    ['a field twice: the last one counts', raw('content', '"first","content":"second"')],
    ['white space around', `\n ${JSON.stringify(message({}))} \t`],
    ['control characters', message({ content: '\u0001\u001b[31m\u2028' })],
    ['words of SQL', message({ content: `'; drop table messages; --` })],
    ['metadata of 4 KiB', message({ metadata: { a: 'x'.repeat(4 * KIB - 8) } })],
    ['an id of zero', { ...message({}), id: 0 }],
    ['an empty id', { ...message({}), id: '' }],
  ];
  for (const [name, frame] of good) {
    client.send(frame);
    const answer = await client.next(isAnswer as never);
    t.equal(answer.type, 'reply', `${name}: ${answer.error?.message}`);
  }
});

t.test('a frame above 64 KiB is PAYLOAD_TOO_LARGE and does not count as bad', async (t) => {
  const client = await system.connect(ann, { device: device() });
  for (let i = 0; i <= BAD_FRAMES_MAX; i += 1) {
    const frame = message({ content: 'x'.repeat(64 * KIB) });
    client.send({ ...frame, id: i });
    const answer = await client.next(isAnswer as never);
    t.match(answer, { id: i, client_msg_id: frame.client_msg_id });
    t.match(answer, { error: { code: 'PAYLOAD_TOO_LARGE' } });
  }
  client.sendBytes('x'.repeat(200 * KIB));
  t.match(await client.next('error'), { error: { code: 'PAYLOAD_TOO_LARGE' } });
  await client.settled();
});

t.test('a frame above 256 KiB ends the connection, even when sent in fragments', async (t) => {
  const whole = await system.connect(ann, { device: device() });
  whole.sendBytes('x'.repeat(256 * KIB + 1));
  t.ok((await whole.closed).code);
  const pieces = await system.connect(ann, { device: device() });
  pieces.sendBytes('x'.repeat(200 * KIB), { isFinal: false });
  pieces.sendBytes('x'.repeat(100 * KIB), { opcode: OPCODES.continuation });
  t.ok((await pieces.closed).code);
  await witness.settled();
});

t.test('fragments with a ping between them make one frame', async (t) => {
  const client = await system.connect(ann, { device: device() });
  const text = Buffer.from(JSON.stringify({ ...message({ content: 'in pieces 🙂' }), id: 'p' }));
  const cut = text.indexOf(0xf0) + 2;
  client.sendBytes(text.subarray(0, cut), { isFinal: false });
  client.sendBytes('', { opcode: OPCODES.ping });
  client.sendBytes(text.subarray(cut), { opcode: OPCODES.continuation });
  t.match(await client.next('reply'), { id: 'p' });
});

t.test('a binary frame is answered with an error', async (t) => {
  const client = await system.connect(ann, { device: device() });
  client.sendBytes(JSON.stringify({ type: 'ping', id: 1 }), { opcode: OPCODES.binary });
  t.match(await client.next('error'), { error: { code: 'INVALID_REQUEST' } });
  await client.settled();
});

const BROKEN: [string, (client: Client) => void][] = [
  ['invalid UTF-8', (client) => client.sendBytes(Buffer.from([0x22, 0xc3, 0x28, 0x22]))],
  ['half a character', (client) => client.sendBytes(Buffer.from([0x22, 0xf0, 0x9f]))],
  ['an encoded surrogate', (client) => client.sendBytes(Buffer.from([0xed, 0xa0, 0x80]))],
  ['a frame without a mask', (client) => client.sendBytes('{}', { isMasked: false })],
  ['a reserved bit', (client) => client.sendBytes('{}', { reserved: 4 })],
  ['a reserved opcode', (client) => client.sendBytes('{}', { opcode: 11 })],
  ['a continuation of nothing', (client) => client.sendBytes('{}', { opcode: 0 })],
  ['a ping of 126 bytes', (c) => c.sendBytes('x'.repeat(126), { opcode: OPCODES.ping })],
];
t.test('a frame that breaks the WebSocket protocol ends only that connection', async (t) => {
  for (const [name, provoke] of BROKEN) {
    const client = await system.connect(ann, { device: device() });
    provoke(client);
    client.send(message({ content: 'never' }));
    t.ok((await client.closed).code, name);
    await witness.settled();
  }
  t.notOk(witness.messageEvents.some(({ content }) => content === 'never'));
});

t.test('the eleventh bad frame within a minute closes the socket 4501', async (t) => {
  const client = await system.connect(ann, { device: device() });
  for (let i = 0; i < BAD_FRAMES_MAX; i += 1) {
    client.send('nonsense');
    await client.next('error');
  }
  const refused = await client.ask({ type: 'history', conversation_id: newId<string>() });
  t.equal(refused.error?.code, 'CONVERSATION_NOT_FOUND', 'such errors never count');
  client.send({ type: 'nonsense' });
  t.match(await client.closed, { code: TOO_MANY_BAD_FRAMES });
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});

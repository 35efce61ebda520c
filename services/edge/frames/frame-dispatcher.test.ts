import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';
import { connectRaw, OPCODES, type RawClient } from '../stage/raw-client.ts';

const stage = await setStage();
const router = await stage.startRouter();
const SENT = { message_id: newId(), seq: 1, sent_at: '2026-01-01T00:00:00.000Z' };
router.script.message = ({ client_msg_id, conversation_id }) => ({
  ...SENT,
  client_msg_id,
  conversation_id,
});
const edge = await stage.startEdge();
t.teardown(() => stage.close());

const BAD = { type: 'error', error: { code: 'INVALID_REQUEST', message: String } };

async function rawSession(): Promise<RawClient> {
  const client = await connectRaw(edge.port, {
    authorization: `Bearer ${await tokenOf(newId<UserId>())}`,
  });
  while (!(await client.text()).includes('replay_end'));
  return client;
}

function message(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: 'message',
    client_msg_id: newId(),
    conversation_id: newId(),
    content: 'hello',
    ...changes,
  };
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
}

const MALFORMED: [string, string | Record<string, unknown>][] = [
  ['not JSON', '{"id":1,'],
  ['empty', ''],
  ['an array', '[{"type":"ping"}]'],
  ['a string', '"ping"'],
  ['null', 'null'],
  ['no type', { id: 1 }],
  ['type is no string', { id: 1, type: 5 }],
  ['unknown type', { id: 1, type: 'shout' }],
  ['a type of Object', { id: 1, type: 'constructor' }],
  ['unknown field', { id: 1, type: 'ping', now: true }],
  ['ack without q', { id: 1, type: 'ack' }],
  ['ack of a fraction', { id: 1, type: 'ack', q: 1.5 }],
  ['negative ack', { id: 1, type: 'ack', q: -1 }],
  ['ack as text', { id: 1, type: 'ack', q: '1' }],
  ['id is an object', { id: {}, type: 'ping' }],
  ['id is a fraction', { id: 0.5, type: 'ping' }],
  ['id of 65 characters', { id: 'x'.repeat(65), type: 'ping' }],
  ['no content', { id: 1, ...message({ content: undefined }) }],
  ['empty content', { id: 1, ...message({ content: '' }) }],
  ['content of 8001', { id: 1, ...message({ content: 'x'.repeat(8_001) }) }],
  ['content is a number', { id: 1, ...message({ content: 7 }) }],
  ['upper case key', { id: 1, ...message({ client_msg_id: newId().toUpperCase() }) }],
  ['UUID v1 key', { id: 1, ...message({ client_msg_id: newId().replace(/^(.{14})4/, '$11') }) }],
  ['no conversation', { id: 1, ...message({ conversation_id: undefined }) }],
  ['system message', { id: 1, ...message({ message_type: 'system' }) }],
  ['reply_to is an object', { id: 1, ...message({ reply_to: { message_id: newId() } }) }],
  ['metadata is a list', { id: 1, ...message({ metadata: [] }) }],
  ['metadata is null', { id: 1, ...message({ metadata: null }) }],
  ['metadata above 4 KiB', { id: 1, ...message({ metadata: { a: 'x'.repeat(4_090) } }) }],
  ['metadata of depth 8', { id: 1, ...message({ metadata: nested(8) }) }],
  ['__proto__', `{"id":1,"type":"message","metadata":{"__proto__":{"a":1}},"content":"x"}`],
  ['constructor', { id: 1, ...message({ metadata: { constructor: 1 } }) }],
  ['prototype deep', { id: 1, ...message({ metadata: { a: [{ prototype: 1 }] } }) }],
  ['NUL in content', { id: 1, ...message({ content: 'a\0b' }) }],
  ['NUL in a key', { id: 1, ...message({ metadata: { 'a\0': 1 } }) }],
  ['lone surrogate', '{"id":1,"type":"message","content":"\\ud800x"}'],
  ['lone low surrogate in a key', '{"id":1,"type":"message","metadata":{"\\udc00":1}}'],
  [
    'history with two ways',
    { id: 1, type: 'history', conversation_id: newId(), before_seq: 1, after_seq: 1 },
  ],
  ['history of 201', { id: 1, type: 'history', conversation_id: newId(), limit: 201 }],
  ['history of 0', { id: 1, type: 'history', conversation_id: newId(), limit: 0 }],
  [
    'since is no time',
    { id: 1, type: 'history', conversation_id: newId(), since: '2026-13-01T00:00:00.000Z' },
  ],
  [
    'since without zone',
    { id: 1, type: 'history', conversation_id: newId(), since: '2026-01-01T00:00:00' },
  ],
  ['conversations of 0', { id: 1, type: 'conversations', limit: 0 }],
  ['create without type', { id: 1, type: 'create_conversation', conversation: {} }],
  [
    'create with a bad id',
    {
      id: 1,
      type: 'create_conversation',
      conversation: { type: 'direct', participant_ids: ['me'] },
    },
  ],
];

t.test('a malformed frame is answered INVALID_REQUEST, with its id if it has one', async (t) => {
  for (let start = 0; start < MALFORMED.length; start += 10) {
    const client = await rawSession();
    for (const [name, frame] of MALFORMED.slice(start, start + 10)) {
      if (typeof frame === 'string') client.write(frame);
      else client.send(frame);
      const answer = JSON.parse(await client.text());
      t.match(answer, BAD, name);
      const isNamed = typeof frame === 'object' && frame.id === 1;
      t.equal(answer.id, isNamed || String(frame).startsWith('{"id":1,"') ? 1 : undefined, name);
    }
    client.send({ type: 'ping' });
    t.equal(await client.text(), '{"type":"pong"}', 'ten are forgiven');
    client.socket.destroy();
    await client.ended;
  }
  t.equal(router.count('message'), 0);
});

t.test(
  'a binary frame is INVALID_REQUEST, and the eleventh bad frame in a minute closes with 4501',
  async (t) => {
    const client = await rawSession();
    for (let n = 1; n <= 11; n += 1) {
      client.write('{"type":"ping"}', { opcode: OPCODES.binary });
      t.match(JSON.parse(await client.text()), BAD);
    }
    t.equal(await client.ended, 4501);
  },
);

t.test(
  'a frame above 64 KiB is PAYLOAD_TOO_LARGE and not bad, and above 256 KiB the socket is cut',
  async (t) => {
    const client = await rawSession();
    const padded = (bytes: number): string => {
      const frame = JSON.stringify(message({ id: 'big' }));
      return frame + ' '.repeat(bytes - frame.length);
    };
    client.write(padded(65_536));
    t.match(JSON.parse(await client.text()), { type: 'reply', id: 'big' });
    for (let n = 0; n < 12; n += 1) {
      client.write(padded(65_537));
      const answer = JSON.parse(await client.text());
      t.match(answer, { id: 'big', client_msg_id: String, error: { code: 'PAYLOAD_TOO_LARGE' } });
    }
    client.write('x'.repeat(262_144));
    t.match(JSON.parse(await client.text()), { error: { code: 'PAYLOAD_TOO_LARGE' } });
    client.write('x'.repeat(262_145));
    t.equal(await client.ended, undefined, 'cut');
  },
);

t.test('a socket that sends invalid UTF-8 is cut', async (t) => {
  const client = await rawSession();
  client.write(
    Buffer.concat([Buffer.from('{"type":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
  );
  t.equal(await client.ended, undefined);
});

t.test('a frame may come in parts, and a ping of the WebSocket is answered', async (t) => {
  const client = await rawSession();
  client.write('{"type":"pi', { isFinal: false });
  client.write('hi', { opcode: OPCODES.ping });
  client.write('ng"}', { opcode: OPCODES.continuation });
  t.equal(await client.text(), '{"type":"pong"}');
  client.socket.destroy();
});

t.test(
  'messages with 8000 code points, escaped pairs, depth 8 and odd ids are accepted',
  async (t) => {
    const client = await rawSession();
    const emoji = '👍'.repeat(8_000);
    const good = [
      message({ id: 0, content: emoji }),
      message({ id: '', content: 'x'.repeat(8_000) }),
      message({ id: 'é'.repeat(64), metadata: nested(7) }),
      message({ id: -1, message_type: 'voice', reply_to: newId() }),
    ];
    for (const frame of good) {
      client.send(frame);
      t.match(JSON.parse(await client.text()), {
        type: 'reply',
        id: frame.id,
        data: { ...SENT, client_msg_id: frame.client_msg_id },
      });
    }
    const escaped = JSON.stringify(message()).replace('hello', '\\ud83d\\ude00 \\u0041');
    client.write(escaped);
    const answer = JSON.parse(await client.text());
    t.equal(answer.type, 'reply', 'a message needs no id');
    t.notOk('id' in answer);
    t.match(router.last('message'), { op: 'message', content: '😀 A' });
    client.socket.destroy();
  },
);

t.test('an error of a message without id carries its client_msg_id', async (t) => {
  const client = await rawSession();
  const frame = message({ content: '' });
  client.send(frame);
  const answer = JSON.parse(await client.text());
  t.match(answer, { ...BAD, client_msg_id: frame.client_msg_id });
  t.match(answer.error.details.problems, [/^content: /]);
  client.socket.destroy();
});

import { connect } from 'node:net';
import { setInterval } from 'node:timers/promises';
import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';
import { askRaw, turnOfTheLoop } from '../stage/raw-http.ts';

const stage = await setStage();
const router = await stage.startRouter();
const edge = await stage.startEdge();
t.teardown(() => stage.close());

const ORIGIN = 'http://localhost:5173';
const token = await tokenOf(newId<UserId>());
const conversationId = newId<ConversationId>();
const MESSAGES = `/api/v1/conversations/${conversationId}/messages`;
/** The router answers all sends after this. */
let held: Promise<unknown> | undefined;
let seq = 0;
router.script.message = async ({ client_msg_id }) => {
  await held;
  seq += 1;
  return { client_msg_id, seq };
};

function hold(): () => void {
  let release = (): void => undefined;
  held = new Promise<void>((resolve) => {
    release = resolve;
  });
  return release;
}

type Parts = { method?: string; path?: string; lines?: string[]; body?: string };

/** Returns a request as text. It has no length but the one among its lines. */
function request({ method = 'POST', path = MESSAGES, lines = [], body = '' }: Parts): string {
  const common = ['Host: x', `Origin: ${ORIGIN}`, `Authorization: Bearer ${token}`];
  return `${method} ${path} HTTP/1.1\r\n${[...common, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

function send(content = 'x', lines: string[] = []): { key: string; body: string; text: string } {
  const key = newId<string>();
  const body = JSON.stringify({ client_msg_id: key, content });
  const length = `Content-Length: ${body.length}`;
  return { key, body, text: request({ lines: [length, ...lines], body }) };
}

/** The edge has carried out all that it read when this resolves. */
const quiet = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await turnOfTheLoop();
};
const get = (path = '/api/v1/nothing', method = 'GET'): string => request({ method, path });
const wasSent = (key: string): boolean =>
  router.requests.some((one) => one.op === 'message' && one.client_msg_id === key);

t.test('a HEAD has the length of the body, and the connection goes on', async (t) => {
  const { answers, rest } = await askRaw(edge.port, {
    pieces: [get('/openapi.json', 'HEAD'), get('/openapi.json'), get()],
    answers: 3,
    isHead: true,
  });
  const [head, whole, other] = answers;
  t.same([head?.status, whole?.status, other?.status, rest], [200, 200, 404, '']);
  t.equal(head?.headers.get('content-length'), whole?.headers.get('content-length'));
  t.match(head?.headers.get('content-length'), /^[1-9]\d+$/);
});

t.test('an answer that has no body has no length either', async (t) => {
  const [whole] = (await askRaw(edge.port, { pieces: [get('/openapi.json')], answers: 1 })).answers;
  const lines = [`If-None-Match: ${whole?.headers.get('etag')}`];
  const { answers, rest } = await askRaw(edge.port, {
    pieces: [
      request({ method: 'GET', path: '/openapi.json', lines }),
      request({ method: 'OPTIONS' }),
      get(),
    ],
    answers: 3,
  });
  t.same([...answers.map(({ status }) => status), rest], [304, 204, 404, '']);
  t.notOk(answers[0]?.headers.has('content-length'));
  t.notOk(answers[1]?.headers.has('content-length'));
});

t.test('a request that comes while another waits is answered in its turn', async (t) => {
  const [first, second, third] = [send(), send(), send()];
  const start = async (pieces: string[], answers: number) => {
    const release = hold();
    const asked = askRaw(edge.port, { pieces, answers });
    await until('the first send is carried out', () => wasSent(first.key));
    await quiet();
    t.notOk(wasSent(second.key), 'the second one waits');
    release();
    const result = await asked;
    return [result.isClosed, ...result.answers.map(({ body }) => JSON.parse(body).client_msg_id)];
  };
  t.same(await start([first.text, second.text], 2), [false, first.key, second.key]);
  router.requests.length = 0;
  const pieces = [first.text, second.text, third.text];
  t.same(await start(pieces, 3), [true, first.key], 'the others came in one packet');
  await quiet();
  t.notOk(wasSent(second.key));
});

t.test('of requests in one packet none is carried out', async (t) => {
  const [first, second] = [send(), send()];
  const { answers, isClosed } = await askRaw(edge.port, { pieces: [first.text + second.text] });
  t.same([answers, isClosed], [[], true]);
  const trailed = send();
  const garbled = await askRaw(edge.port, { pieces: [`${trailed.text}x: y\r\n\r\n`] });
  t.same([garbled.answers[0]?.status, garbled.isClosed], [505, true]);
  await quiet();
  t.same(
    [first, second, trailed].map(({ key }) => wasSent(key)),
    [false, false, false],
  );
});

t.test('a head that hides a second request is answered 400, and nothing is done', async (t) => {
  const smuggled = send();
  const bodies = [
    { lines: ['Content-Length: 5', 'Content-Length: 50'], body: 'hello' },
    { lines: ['Content-Length: 5', 'Content-Length: 5'], body: 'hello' },
    { lines: ['Content-Length: 0x5'], body: 'hello' },
    { lines: ['Content-Length:'], body: '' },
    { lines: ['Transfer-Encoding: gzip, chunked'], body: '0\r\n\r\n' },
    { lines: ['Transfer-Encoding: identity'], body: '0\r\n\r\n' },
    { lines: ['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip'], body: '0\r\n\r\n' },
    { lines: [`Authorization: Bearer ${token}`], body: '' },
  ];
  for (const { lines, body } of bodies) {
    for (const method of ['POST', 'GET']) {
      const text = `${request({ method, lines, body })}${smuggled.text}`;
      const { answers, isClosed } = await askRaw(edge.port, { pieces: [text] });
      const name = `${method} ${lines.join(' ')}`;
      t.same([answers.length, answers[0]?.status, isClosed], [1, 400, true], name);
      t.match(JSON.parse(answers[0]?.body ?? ''), { error: { code: 'INVALID_REQUEST' } }, name);
      t.equal(answers[0]?.headers.get('connection'), 'close', name);
      t.equal(answers[0]?.headers.get('access-control-allow-origin'), ORIGIN, name);
    }
  }
  const upgrade = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  for (const line of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
    const lines = [...upgrade, key, line];
    const text = request({ method: 'GET', path: '/ws', lines, body: smuggled.text });
    const { answers, isClosed } = await askRaw(edge.port, { pieces: [text] });
    t.same([answers.length, answers[0]?.status, isClosed], [1, 400, true], `upgrade, ${line}`);
  }
  const both = ['Content-Length: 5', 'Transfer-Encoding: chunked'];
  const { answers } = await askRaw(edge.port, {
    pieces: [request({ lines: both, body: `0\r\n\r\n${smuggled.text}` })],
  });
  t.same([answers.length, answers[0]?.status], [1, 400], 'the library refuses both');
  await quiet();
  t.notOk(wasSent(smuggled.key));
});

t.test('a HEAD whose head is bad is refused without a body', async (t) => {
  const next = send();
  for (const lines of [
    ['Host: y'],
    ['Content-Length: 5', 'Content-Length: 50'],
    ['Transfer-Encoding: gzip, chunked'],
  ]) {
    const name = lines.join(' ');
    const text = request({ method: 'HEAD', lines });
    const { answers, isClosed, rest } = await askRaw(edge.port, { pieces: [text], isHead: true });
    t.same([answers.length, answers[0]?.status, isClosed, rest], [1, 400, true, ''], name);
    t.equal(answers[0]?.headers.get('connection'), 'close', name);
    const followed = await askRaw(edge.port, { pieces: [text + next.text], isHead: true });
    t.ok(followed.isClosed && followed.answers.length <= 1, `${name}, and a send behind it`);
    await quiet();
    t.notOk(wasSent(next.key), name);
  }
});

t.test('a body in chunks is read, and its connection ends with the answer', async (t) => {
  const { key, body } = send('in chunks');
  const half = body.slice(0, 20);
  const chunks = [half, body.slice(20)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`);
  const lines = ['Transfer-Encoding: chunked'];
  const head = request({ lines });
  for (const pieces of [
    [`${head}${chunks.join('')}0\r\n\r\n`],
    [head, ...chunks, '0\r\n\r\n'],
    [head, ...chunks, '0\r\n\r\n', get()],
    [head, ...chunks, '0\r\n', 'X-Trailer: y\r\n\r\n'],
  ]) {
    const release = hold();
    const asked = askRaw(edge.port, { pieces });
    // A client that is still writing when its connection is reset may not read the answer.
    await quiet();
    release();
    const { answers, isClosed, rest } = await asked;
    t.same([answers.length, answers[0]?.status, isClosed, rest], [1, 201, true, '']);
    t.equal(JSON.parse(answers[0]?.body ?? '').client_msg_id, key);
  }
  const trailed = send();
  const size = trailed.body.length.toString(16);
  const whole = `${head}${size}\r\n${trailed.body}\r\n0\r\nX-Trailer: y\r\n\r\n`;
  const { answers } = await askRaw(edge.port, { pieces: [whole] });
  t.same([answers[0]?.status, wasSent(trailed.key)], [505, false], 'a trailer in the same packet');
});

t.test('a body with a Content-Encoding is answered 415, and the connection goes on', async (t) => {
  const coded = send('x', ['Content-Encoding: gzip']);
  const plain = send('x', ['Content-Encoding: identity']);
  const bodiless = request({
    method: 'GET',
    path: '/openapi.json',
    lines: ['Content-Encoding: br'],
  });
  const { answers } = await askRaw(edge.port, {
    pieces: [coded.text, plain.text, bodiless],
    answers: 3,
  });
  t.same(
    answers.map(({ status }) => status),
    [415, 201, 200],
  );
  t.match(JSON.parse(answers[0]?.body ?? ''), { error: { code: 'INVALID_REQUEST' } });
  t.equal(answers[0]?.headers.get('access-control-allow-origin'), ORIGIN);
  t.notOk(wasSent(coded.key));
});

t.test('a query has at most 1 KiB', async (t) => {
  const path = (bytes: number): string => `/api/v1/nothing?a=${'x'.repeat(bytes - 2)}`;
  const { answers } = await askRaw(edge.port, {
    pieces: [get(path(LIMITS.queryBytesMax)), get(path(LIMITS.queryBytesMax + 1))],
    answers: 2,
  });
  t.same(
    answers.map(({ status }) => status),
    [404, 400],
  );
});

/** Goes on for longer than any server may wait. */
async function* trickle(head: string, byte: string): AsyncGenerator<string> {
  yield head;
  for await (const _ of setInterval(500)) yield byte;
}

t.test('a body that does not come in time is answered 408', async (t) => {
  const headed = (...lines: string[]): string => request({ lines });
  const cases: [string, Iterable<string> | AsyncIterable<string>][] = [
    ['a short body', [headed('Content-Length: 50'), '{"type":']],
    ['no body', [headed('Content-Length: 50')]],
    ['a trickle', trickle(headed('Content-Length: 5000'), ' ')],
    ['no last chunk', [headed('Transfer-Encoding: chunked'), '5\r\nhello\r\n']],
    ['chunks that trickle', trickle(headed('Transfer-Encoding: chunked'), '1\r\n \r\n')],
  ];
  const late = cases.map(async ([name, pieces]) => {
    const { answers, isClosed } = await askRaw(edge.port, { pieces });
    t.same([answers.length, answers[0]?.status, isClosed], [1, 408, true], name);
    t.match(JSON.parse(answers[0]?.body ?? ''), { error: { code: 'INVALID_REQUEST' } }, name);
    t.equal(answers[0]?.headers.get('access-control-allow-origin'), ORIGIN, name);
  });
  await Promise.all(late);
});

t.test('bodies that never end take 32 MiB together, and a further one is refused', async (t) => {
  const KIB = 1024;
  const lines = [`Content-Length: ${128 * KIB}`];
  const unfinished = request({ lines, body: 'x'.repeat(127 * KIB) });
  const sockets = Array.from({ length: 258 }, () => {
    const socket = connect(edge.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.write(unfinished);
    return socket;
  });
  const large = async () => {
    const pieces = [send('x'.repeat(7_900), ['X-Filler: 1']).text];
    return (await askRaw(edge.port, { pieces, answers: 1 })).answers[0];
  };
  const refused = await until('there is no room', async () => {
    const answer = await large();
    return answer?.status === 503 && answer;
  });
  t.match(refused.body, 'MESSAGING_UNAVAILABLE');
  t.match(refused.headers.get('retry-after'), /^[1-9]/);
  const small = await askRaw(edge.port, { pieces: [send().text], answers: 1 });
  t.equal(small.answers[0]?.status, 201, 'a small one has room');
  for (const socket of sockets) socket.destroy();
  await until('there is room again', async () => (await large())?.status === 201);
});

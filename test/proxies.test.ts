import t, { type Test } from 'tap';
import { freePorts } from '../dev/processes/ports.ts';
import { type EdgeProxy, setProxies, WITHOUT_PROXIES } from '../dev/testing/proxies.ts';
import { askRaw } from '../services/edge/stage/raw-http.ts';
import { newId } from '../shared/ids.ts';
import { LIMITS } from '../shared/protocol/limits.ts';
import { startNotingServer } from './proxies/noting-server.ts';
import { edgePlaces, tokenOfLength } from './proxies/proxied-edges.ts';
import { shareStack } from './stage/stack.ts';
import { upgrade } from './stage/websocket.ts';

/** nginx and HAProxy stand before two edges, with the settings of docs/proxies. */
const system = await shareStack(t);
const edges = edgePlaces(system);
const [goneEdge, goneAdmin] = (await freePorts(2)) as [number, number];
const gone = { port: goneEdge, adminPort: goneAdmin };
const adminPort = edges[0]?.adminPort ?? 0;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const BUSY = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n';
const noting = await startNotingServer(t, (text) => (text.includes('/fail') ? undefined : OK));
const busy = await startNotingServer(t, () => BUSY);
const IDLE_MS = 1_500;
const SHORT = {
  nginx: { '120s': `${IDLE_MS}ms`, 'client_body_timeout 10s': 'client_body_timeout 1s' },
  haproxy: { '120s': `${IDLE_MS}ms`, 'body time 10s': 'body time 1s' },
};
const origin = 'http://localhost:3000';
const OWN = { 'https://app.kaha.example': origin };
const PAGE = { nginx: OWN, haproxy: OWN };

const proxies = await setProxies(t, { edges, changes: PAGE });
/** These proxies have short times, and one of their edges takes no sockets. */
const hasty = await setProxies(t, {
  edges: [{ port: busy.port, adminPort }, ...edges],
  changes: SHORT,
});
/** An edge of these proxies is gone, and the other one notes what it gets. */
const watched = await setProxies(t, {
  edges: [gone, { port: noting.port, adminPort }],
  changes: PAGE,
});

const [ann, bob] = await system.people(2);
const conversation = await system.conversation([ann, bob]);
const messages = `/api/v1/conversations/${conversation}/messages`;
const bearer = `Authorization: Bearer ${ann.token}`;

type Head = { method?: string; path?: string; lines?: readonly string[]; body?: string };

/** Returns the text of a request. */
function request({ method = 'GET', path = '/api/v1/conversations', lines = [], body }: Head) {
  const all = [`${method} ${path} HTTP/1.1`, 'Host: chat.example', ...lines];
  if (body !== undefined) all.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return `${all.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

/** Resolves with the first answer to this text. */
async function first(port: number, text: string, isHead = false) {
  return (await askRaw(port, { pieces: [text], answers: 1, isHead })).answers[0];
}

/** Runs a part of the test for both proxies at once. */
function through(
  name: string,
  from: EdgeProxy[] | undefined,
  run: (t: Test, proxy: EdgeProxy) => Promise<unknown>,
): void {
  const skip = from === undefined && WITHOUT_PROXIES;
  t.test(name, { skip }, (t) => Promise.all((from ?? []).map((proxy) => run(t, proxy))));
}

const NAMES = [
  ...['content-type', 'allow', 'www-authenticate', 'retry-after', 'vary'],
  ...['access-control-allow-origin', 'access-control-expose-headers', 'etag', 'cache-control'],
];

type Answer = Awaited<ReturnType<typeof askRaw>>['answers'][number];

/** Returns what must be the same with and without a proxy. */
function essence({ status, headers, body }: Answer) {
  return { status, body, headers: NAMES.map((name) => `${name}: ${headers.get(name)}`) };
}

const HEADS: Readonly<Record<string, Head>> = {
  'a list': { lines: [bearer] },
  'a HEAD': { method: 'HEAD', lines: [bearer] },
  'a document': { path: '/openapi.json', lines: ['Accept-Encoding: identity'] },
  'a preflight': { method: 'OPTIONS', lines: ['Access-Control-Request-Method: POST'] },
  'no token': {},
  'no such path': { path: '/api/v1/nowhere', lines: [bearer] },
  'no such method': { method: 'PUT', lines: [bearer], body: '{}' },
  'an upgrade path without upgrade': { path: '/ws' },
  'a body that is no JSON': { method: 'POST', path: messages, lines: [bearer], body: '{' },
  'a body that is too large': {
    ...{ method: 'POST', path: messages, lines: [bearer] },
    body: `{"content":"${'x'.repeat(LIMITS.bodyBytesMax)}"}`,
  },
  'a query of 1 KiB': {
    path: `/api/v1/conversations?cursor=${'x'.repeat(1_000)}`,
    lines: [bearer],
  },
  'a token that is too long': { lines: [`${bearer}${'x'.repeat(LIMITS.tokenCharactersMax)}`] },
  'a head that is too long for an edge': { lines: [bearer, `X-Long: ${'x'.repeat(15_000)}`] },
};

through(
  'answers of an edge come through as they are',
  proxies,
  async (t, { name: proxy, port }) => {
    for (const [name, head] of Object.entries(HEADS)) {
      const { method = 'GET', lines = [] } = head;
      const text = request({ ...head, lines: [...lines, `Origin: ${origin}`] });
      const [expected, answer] = await Promise.all(
        [edges[0]?.port ?? 0, port].map((to) => first(to, text, method === 'HEAD')),
      );
      if (expected === undefined || answer === undefined) t.fail(`${proxy}, ${name}: no answer`);
      else t.same(essence(answer), essence(expected), `${proxy}, ${name}: ${answer.status}`);
    }
  },
);

through('pipelined requests are answered in order', proxies, async (t, { name, port }) => {
  const asked = [
    ['HEAD', '/api/v1/conversations', 200],
    ['GET', '/api/v1/nowhere', 404],
    ['OPTIONS', '/api/v1/conversations', 204],
    ['GET', `/api/v1/conversations/${conversation}`, 200],
  ] as const;
  const texts = asked.map(([method, path]) => request({ method, path, lines: [bearer] }));
  const { answers, rest } = await askRaw(port, {
    ...{ pieces: [texts.join('')], answers: asked.length, isHead: true },
  });
  const statuses = answers.map(({ status }) => status);
  t.same(
    statuses,
    asked.map(([, , status]) => status),
    name,
  );
  t.match(
    answers.at(-1)?.body,
    conversation,
    `${name}: the last answer is that of the last request`,
  );
  t.equal(rest, '', `${name}: nothing comes between the answers`);
});

/** Returns a request to send this text. */
function send(content: string, lines: readonly string[] = []): string {
  const body = JSON.stringify({ client_msg_id: newId<string>(), content });
  return request({ method: 'POST', path: messages, lines: [bearer, ...lines], body });
}

const isStored = async (content: string): Promise<boolean> =>
  (await system.history(ann, conversation)).some((message) => message.content === content);

through('a send in single bytes is carried out once', proxies, async (t, { name, port }) => {
  const { answers } = await askRaw(port, { pieces: send(`${name} in single bytes`), answers: 1 });
  t.equal(answers[0]?.status, 201, name);
  const history = await system.history(ann, conversation);
  t.equal(history.filter(({ content }) => content === `${name} in single bytes`).length, 1, name);
});

const HEAD_MAX_BYTES = 20_000;
const CHUNKED = '2\r\nok\r\n0\r\n\r\n';

through('an edge gets whole requests, each on its own connection', watched, async (t, proxy) => {
  const { name, port } = proxy;
  const mark = (n: number): string => `/${name}-${n}`;
  const forged = ['X-Forwarded-For: 9.9.9.9', 'X-Forwarded-For: 8.8.8.8'];
  const long = `X-Long: ${'x'.repeat(9_000)}`;
  const asked: Iterable<string>[] = [
    request({ path: mark(1), lines: forged }),
    [[2, 3, 4].map((n) => request({ path: mark(n) })).join('')],
    [request({ path: mark(5), lines: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c'] })],
    [request({ path: mark(6), lines: ['Connection: keep-alive, X-Long', long, 'X_Long: 1'] })],
    [request({ method: 'POST', path: mark(7), lines: [long], body: 'x'.repeat(9_000) })],
    [request({ method: 'POST', path: mark(8), lines: ['Transfer-Encoding: chunked'] }), CHUNKED],
  ];
  for (const pieces of asked) {
    const count = [...pieces].join('').split('HTTP/1.1').length - 1;
    const { answers } = await askRaw(port, { pieces, answers: count });
    t.equal(answers.filter(({ status }) => status === 200).length, count, `${name}: ${count}`);
  }
  const mine = noting.connections.filter(([first]) => first?.includes(`/${name}-`));
  t.equal(mine.length, 8, `${name}: each request has a connection`);
  for (const reads of mine) {
    const [head = '', ...others] = (reads[0] ?? '').split('\r\n\r\n');
    t.ok(others.length > 0 && head.length < HEAD_MAX_BYTES, `${name}: the head comes whole`);
    t.equal(reads.join('').split('HTTP/1.1\r\n').length, 2, `${name}: there is one request`);
    t.same(head.match(/^x-forwarded-for:.*$/gim)?.map(lower), ['x-forwarded-for: 127.0.0.1'], name);
    t.match(head, /^connection: close$/im, `${name}: the connection ends with the answer`);
    t.notMatch(head, /^(upgrade|x_long):/im, `${name}: nothing asks for another protocol`);
  }
});

const lower = (text: string): string => text.toLowerCase();

const MALFORMED: Readonly<Record<string, string>> = {
  'two lengths': send('two lengths', ['Content-Length: 4']),
  'a length that is no number': request({ method: 'POST', lines: ['Content-Length: 4, 4x'] }),
  'a negative length': request({ method: 'POST', lines: ['Content-Length: -1'] }),
  'two encodings': `${request({ lines: ['Transfer-Encoding: gzip, chunked'] })}${CHUNKED}`,
  'an unknown encoding': `${request({ lines: ['Transfer-Encoding: gzip'] })}${CHUNKED}`,
  'a chunk without a size': `${request({ lines: ['Transfer-Encoding: chunked'] })}zz\r\nok\r\n`,
  'a space before the colon': request({ lines: ['Content-Length : 4'] }),
  'a NUL in a header': request({ lines: ['X-Nul: a\0b'] }),
  'a CR in a header': request({ lines: ['X-Cr: a\rX-B: c'] }),
  'another way to ask': request({ method: 'CONNECT', path: 'chat.example:80' }),
  'no HTTP at all': '\x16\x03\x01\x02\x00\x01\r\n\r\n',
};

const REFUSED = [400, 422, 501];

through('what is ambiguous never reaches an edge', watched, async (t, { name, port }) => {
  for (const [what, text] of Object.entries(MALFORMED)) {
    const marked = text.replace('/api/v1', `/malformed-${name}`);
    const { status = 0 } = (await first(port, marked)) ?? {};
    t.ok(REFUSED.includes(status), `${name}, ${what}: ${status}`);
  }
  const reached = noting.connections.filter(([first]) => first?.includes(`/malformed-${name}`));
  t.same(reached, [], name);
});

through('errors of the proxy itself have the form of the contract', watched, async (t, proxy) => {
  const { name, port } = proxy;
  const tooLarge = request({ method: 'POST', lines: ['Content-Length: 200000'] });
  const large = await first(port, tooLarge);
  t.match(large, { status: 413, body: /"code":"PAYLOAD_TOO_LARGE"/ }, `${name}: a large body`);
  for (let n = 0; n < 5; n += 1) {
    const failed = await first(port, request({ path: '/fail', lines: [`Origin: ${origin}`] }));
    t.match(failed?.body, '"code":"MESSAGING_UNAVAILABLE"', `${name}: no answer of an edge`);
    t.match(failed?.headers.get('retry-after'), /^\d+$/, name);
    t.equal(failed?.headers.get('access-control-allow-origin'), origin, `${name}: a page reads it`);
  }
  const answer = await first(port, request({}));
  t.equal(answer?.status, 200, `${name}: the edge is asked again at once`);
});

const TOKEN_MAX = LIMITS.tokenCharactersMax;
const PIECE_BYTES = 1_448;

through('a token of 8 KiB comes through in all three ways', proxies, async (t, { name, port }) => {
  const token = await tokenOfLength(system, ann.id, TOKEN_MAX);
  const cookie = { cookie: 'c'.repeat(6_000) };
  const text = request({ lines: [`Authorization: Bearer ${token}`] });
  const pieces = Array.from({ length: Math.ceil(text.length / PIECE_BYTES) }, (_, n) =>
    text.slice(n * PIECE_BYTES, (n + 1) * PIECE_BYTES),
  );
  const { answers } = await askRaw(port, { pieces, answers: 1 });
  t.equal(answers[0]?.status, 200, `${name}: REST in pieces`);
  const device = `${name}-token`;
  const byHeader = { authorization: `Bearer ${token}`, 'x-device-id': device, ...cookie };
  const offer = `kaha.v1, bearer.${token}, device.${device}`;
  for (const headers of [byHeader, { 'sec-websocket-protocol': offer, ...cookie }]) {
    const client = await system.socket(headers, { port });
    t.match(await client.next('auth_ok'), { user_id: ann.id, device_id: device }, name);
    await client.close();
  }
  const client = await system.connect({ id: ann.id, token }, { port, device });
  t.ok(client.isOpen, `${name}: the first frame`);
  await client.close();
});

through('a token beyond 8 KiB is refused as an edge does', proxies, async (t, { name, port }) => {
  for (const length of [TOKEN_MAX + 1, 16_000]) {
    const token = await tokenOfLength(system, ann.id, length);
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { 'sec-websocket-protocol': `kaha.v1, bearer.${token}` },
    ]) {
      const refused = await upgrade(port, { headers });
      t.equal(refused.status, 431, `${name}: ${Object.keys(headers)} of ${length}`);
      t.match(refused.body, '"code":"INVALID_REQUEST"', name);
    }
    const client = await system.socket({}, { port });
    client.send({ type: 'auth', token });
    t.equal((await client.closed).code, 4500, `${name}: a frame of ${length}`);
  }
});

async function idle(t: Test, { name, port }: EdgeProxy): Promise<void> {
  const device = `${name}-idle`;
  const client = await system.connectNew(bob, { port, device, isAlive: false });
  const startedAt = performance.now();
  while (performance.now() - startedAt < 2 * IDLE_MS) {
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 6));
    await client.settled();
  }
  t.ok(client.isOpen, `${name}: it is open`);
  const { code } = await client.closed;
  t.equal(code, 1006, `${name}: the proxy cuts it once nothing is sent`);
  const back = await system.connect(bob, { port, device });
  t.equal(back.received[0]?.resumed, true, `${name}: and the device goes on`);
  await back.close();
}

async function cutShort(t: Test, { name, port }: EdgeProxy): Promise<void> {
  const text = send(`${name} cut short`).slice(0, -10);
  const { answers, isClosed } = await askRaw(port, { pieces: [text], answers: 1 });
  // nginx has an answer for it, but closes the connection without sending it.
  if (name === 'nginx') t.ok(isClosed && answers.length === 0, 'nginx: the connection ends');
  else t.match(answers[0], { status: 408, body: /"code":"INVALID_REQUEST"/ }, 'haproxy: 408');
  t.notOk(await isStored(`${name} cut short`), `${name}: no edge carried it out`);
}

through('a socket with heartbeats outlives the time-out, half a body does not', hasty, (t, proxy) =>
  Promise.all([idle(t, proxy), cutShort(t, proxy)]),
);

through('a socket that one edge refuses is opened by another', hasty, async (t, { name, port }) => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => upgrade(port)));
  for (const { socket } of answers) socket.destroy();
  t.same(new Set(answers.map(({ status }) => status)), new Set([101]), name);
});

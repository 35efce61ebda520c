import { newId } from '../../../shared/ids.ts';

/** Requests in a corpus are about these. */
type Given = { token: string; conversationId: string };

export type CorpusRequest = {
  name: string;
  /** The request as it comes over the wire, with one character for each byte. */
  text: string;
  /** A request that is whole in one packet is answered with these statuses. */
  statuses: readonly number[];
  /** One that comes in two packets may also be answered with these. */
  statusesInPieces?: readonly number[];
  /** These messages are sent by the request, in this order. */
  keys: readonly string[];
  /** The text holds several requests. */
  isPipelined?: boolean;
  isHead?: boolean;
};

const HOST = 'Host: x';
const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const NOWHERE = 'GET /api/v1/nowhere';

/** Makes good and hostile requests. Each call makes other keys of messages. */
export function httpCorpus(given: Given): CorpusRequest[] {
  return [...plainRequests(given), ...upgrades(), ...hostileRequests(given), ...sends(given)];
}

function head(line: string, ...lines: string[]): string {
  return `${line} HTTP/1.1\r\n${[HOST, ...lines].join('\r\n')}\r\n\r\n`;
}

function one(name: string, status: number, text: string): CorpusRequest {
  return { name, text, statuses: [status], keys: [] };
}

function plainRequests({ token, conversationId }: Given): CorpusRequest[] {
  const bearer = `Authorization: Bearer ${token}`;
  const conversation = `/api/v1/conversations/${conversationId}`;
  const nowhere = head(NOWHERE);
  return [
    one('an unknown path', 404, nowhere),
    one('blanks and tabs around values', 404, head(NOWHERE, 'X-A: \t b \t', 'x-c:d')),
    one('names in any case', 404, `${NOWHERE} HTTP/1.1\r\nhOST:x\r\nACCEPT: */*\r\n\r\n`),
    one('the last one on a connection', 404, head(NOWHERE, 'Connection: close')),
    one('no token', 401, head('GET /api/v1/conversations?limit=5')),
    one('a bad token', 401, head('GET /api/v1/conversations', 'Authorization: Bearer a.b.c')),
    one('a conversation', 200, head(`GET ${conversation}`, bearer)),
    { ...one('a HEAD', 404, head('HEAD /api/v1/nowhere')), isHead: true },
    one('a preflight', 204, head('OPTIONS /api/v1/conversations', 'Origin: http://localhost:1')),
    one('a malformed escape', 400, head('GET /api/v1/messages/%zz')),
    one('a wrong method', 405, head('DELETE /api/v1/conversations')),
    one('a socket without an upgrade', 400, head('GET /ws')),
    one('a GET with a body', 404, `${head(NOWHERE, 'Content-Length: 5')}hello`),
    { ...one('two requests', 404, nowhere + nowhere), statuses: [404, 404], isPipelined: true },
  ];
}

function upgrades(): CorpusRequest[] {
  const upgrade = (...lines: string[]): string => head('GET /ws', ...UPGRADE, ...lines);
  return [
    one('an upgrade', 101, upgrade()),
    one('an Origin that is not allowed', 403, upgrade('Origin: https://evil.example')),
    one('another version', 400, head('GET /ws', ...UPGRADE.map((line) => line.replace('13', '8')))),
    one('an unknown subprotocol', 400, upgrade('Sec-WebSocket-Protocol: v2')),
    one('a malformed device', 400, upgrade('X-Device-Id: a.b')),
    one('an upgrade with a body', 400, `${upgrade('Content-Length: 5')}hello`),
  ];
}

function hostileRequests({ token }: Given): CorpusRequest[] {
  const post = (...lines: string[]): string => head('POST /api/v1/conversations', ...lines);
  const bearer = `Authorization: Bearer ${token}`;
  return [
    one('two lengths', 400, `${post('Content-Length: 5', 'Content-Length: 50')}hello`),
    one('no number', 400, `${post('Content-Length: 0x5')}hello`),
    one('gzip in chunks', 400, `${post('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`),
    one(
      'a length and chunks',
      400,
      `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    ),
    one('chunks that are none', 400, `${post('Transfer-Encoding: chunked')}zz\r\n`),
    one('two hosts', 400, head(NOWHERE, 'Host: y')),
    one('no host', 400, `${NOWHERE} HTTP/1.1\r\nAccept: */*\r\n\r\n`),
    one('a length beyond all', 413, post(bearer, 'Content-Length: 2000000')),
    one('HTTP/1.0', 505, `${NOWHERE} HTTP/1.0\r\n${HOST}\r\n\r\n`),
    one('TLS', 505, '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'),
    one('no JSON', 400, `${post(bearer, 'Content-Length: 1')}{`),
    one('no UTF-8', 400, `${post(bearer, 'Content-Length: 4')}"\xc3("`),
    one('a coded body', 415, `${post('Content-Encoding: gzip', 'Content-Length: 2')}{}`),
  ];
}

function sends({ token, conversationId }: Given): CorpusRequest[] {
  const line = `POST /api/v1/conversations/${conversationId}/messages`;
  const bearer = `Authorization: Bearer ${token}`;
  const send = (name: string, text: (key: string, body: string) => string, status = 201) => {
    const key = newId<string>();
    const body = JSON.stringify({ client_msg_id: key, content: 'x' });
    return { ...one(name, status, text(key, body)), keys: [key] };
  };
  const plain = (body: string): string =>
    head(line, bearer, `Content-Length: ${body.length}`) + body;
  const chunked = (body: string, end = '\r\n'): string =>
    `${head(line, bearer, 'Transfer-Encoding: chunked')}${chunksOf(body)}0\r\n${end}`;
  const [first, second] = [send('', (_, body) => plain(body)), send('', (_, body) => plain(body))];
  return [
    send('a message', (_, body) => plain(body)),
    send('a message whose key is quoted', (key) => {
      const body = '{"content":"x"}';
      const length = `Content-Length: ${body.length}`;
      return head(line, bearer, `Idempotency-Key: "${key}"`, length) + body;
    }),
    send('a message in chunks', (_, body) => chunked(body)),
    {
      ...send('a message with a trailer', (_, body) => chunked(body, 'X-A: b\r\n\r\n'), 505),
      statusesInPieces: [201],
    },
    {
      ...{ name: 'two messages', text: first.text + second.text, isPipelined: true },
      ...{ statuses: [201, 201], keys: [...first.keys, ...second.keys] },
    },
  ];
}

function chunksOf(body: string): string {
  const parts = [body.slice(0, 30), body.slice(30)];
  return parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
}

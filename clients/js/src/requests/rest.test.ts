import t from 'tap';
import { createTokens } from '../connection/tokens.ts';
import type { Fetch } from '../platform/platform.ts';
import { VirtualPlatform } from '../stage/virtual-platform.ts';
import { createRest } from './rest.ts';

type Answer = { status: number; text?: string; retryAfter?: string };
type Call = { url: string } & Parameters<Fetch>[1];

/** The server gives these answers one after the other. */
function scene(...answers: (Answer | Error)[]) {
  const calls: Call[] = [];
  const fetch: Fetch = async (url, init) => {
    const answer = answers[calls.length];
    calls.push({ url, ...init });
    if (answer === undefined) return new Promise<never>(() => undefined);
    if (answer instanceof Error) throw answer;
    const { status, text = '', retryAfter = null } = answer;
    return { status, headers: { get: () => retryAfter }, text: async () => text };
  };
  const virtual = new VirtualPlatform({ fetch });
  let count = 0;
  const getToken = (): string => {
    count += 1;
    return `token-${count}`;
  };
  const tokens = createTokens(getToken, virtual.platform.now);
  const rest = createRest({ url: 'https://chat.example.com', tokens, platform: virtual.platform });
  return { rest, calls, virtual };
}

const errorText = (code: string): string => JSON.stringify({ error: { code, message: 'no' } });

t.test('a call carries the token and the body, and resolves with the answer', async (t) => {
  const { rest, calls } = scene({ status: 201, text: '{"a":1}' }, { status: 204 });
  t.same(await rest('POST', '/conversations', { type: 'group' }), { a: 1 });
  t.equal(await rest('DELETE', '/conversations/c'), undefined);
  t.match(calls, [
    {
      url: 'https://chat.example.com/api/v1/conversations',
      method: 'POST',
      headers: { authorization: 'Bearer token-1', 'content-type': 'application/json' },
      body: '{"type":"group"}',
    },
    { method: 'DELETE', body: undefined },
  ]);
});

t.test('a refused token is replaced once', async (t) => {
  const refused = { status: 401, text: errorText('UNAUTHENTICATED') };
  const { rest, calls } = scene(refused, { status: 200, text: '{}' }, refused, refused);
  t.same(await rest('GET', '/conversations'), {});
  t.equal(calls[1]?.headers?.authorization, 'Bearer token-2');
  await t.rejects(rest('GET', '/conversations'), { code: 'UNAUTHENTICATED' });
  t.equal(calls.length, 4);
});

t.test('refusals have the code of the contract', async (t) => {
  const { rest } = scene({ status: 409, text: errorText('CONFLICT') });
  await t.rejects(rest('PUT', '/conversations/c/assignee'), { code: 'CONFLICT' });
});

t.test('an answer of something in between is a lost connection', async (t) => {
  const { rest } = scene({ status: 502, text: '<html>' }, { status: 503, retryAfter: '7' });
  await t.rejects(rest('GET', '/a'), { code: 'DISCONNECTED', message: 'HTTP 502' });
  await t.rejects(rest('GET', '/a'), { code: 'DISCONNECTED', retryAfterMs: 7_000 });
});

t.test('a server that cannot be reached, or never answers, ends the call', async (t) => {
  const { rest, virtual } = scene(new TypeError('fetch failed'));
  await t.rejects(rest('GET', '/a'), { code: 'DISCONNECTED' });
  const waiting = t.rejects(rest('GET', '/a'), { code: 'TIMEOUT' });
  await virtual.pass(15_000);
  await waiting;
});

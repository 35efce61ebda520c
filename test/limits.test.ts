import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { newId } from '../shared/ids.ts';
import type { Answer, Client } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const KIB = 1_024;

async function scene() {
  const [ann, bob] = await system.people(2);
  return { ann, bob, conversation: await system.conversation([ann, bob]) };
}

const limitedOf = (answers: readonly Answer[]): Answer[] =>
  answers.filter(({ error }) => error?.code === 'RATE_LIMITED');

/** Sends `count` requests over the sockets in turn. No request waits for another. */
function flood(clients: Client[], count: number, frame: Record<string, unknown>) {
  return Promise.all(
    numbers(1, count).map((n) => {
      const client = clients[n % clients.length] as Client;
      return client.ask({ ...frame, ...(frame.type === 'message' && { client_msg_id: newId() }) });
    }),
  );
}

type Rate = { burst: number; perS: number };
type Judged = Rate & { startedAt: number };
const SENDS: Rate = { burst: 20, perS: 10 };
const OTHERS: Rate = { burst: 100, perS: 50 };
const READS: Rate = { burst: 40, perS: 20 };

/**
 * Checks that the burst passed, and beyond it at most what the rate gives in the time since
 * `startedAt`. The edge judged all requests within that time.
 */
function hasPassed(t: Test, count: number, { burst, perS, startedAt }: Judged): void {
  const most = burst + Math.ceil(((performance.now() - startedAt) / 1_000) * perS);
  t.ok(count >= burst && count <= most, `${count} of ${burst} to ${most} passed`);
}

t.test('sends beyond 20 at once are refused over all sockets of a user together', async (t) => {
  const { ann, conversation } = await scene();
  const clients = [
    await system.connectNew(ann, { device: 'one' }),
    await system.connectNew(ann, { device: 'two' }),
  ];
  const frame = { type: 'message', conversation_id: conversation, content: 'x' };
  const startedAt = performance.now();
  const limited = limitedOf(await flood(clients, 60, frame));
  hasPassed(t, 60 - limited.length, { ...SENDS, startedAt });
  t.ok(limited.length > 0);
  for (const { error, client_msg_id } of limited) {
    t.ok((error?.retry_after ?? 0) > 0 && (error?.retry_after ?? 0) <= 5);
    t.type(client_msg_id, 'string');
  }
});

t.test('sends by REST and by socket are counted together', async (t) => {
  const { ann, conversation } = await scene();
  const client = await system.connectNew(ann);
  const frame = { type: 'message', conversation_id: conversation, content: 'x' };
  const startedAt = performance.now();
  const [bySocket, byRest] = await Promise.all([
    flood([client], 30, frame),
    Promise.all(numbers(1, 60).map(() => postRest(ann, conversation))),
  ]);
  const limited = byRest.filter(({ status }) => status === 429);
  hasPassed(t, 90 - limited.length - limitedOf(bySocket).length, { ...SENDS, startedAt });
  t.ok(limited.length > 0);
  for (const { body, headers } of limited) {
    t.equal(body.error?.code, 'RATE_LIMITED');
    t.ok(Number(headers.get('retry-after')) >= 1);
  }
});

t.test('a user at the limit takes nothing from another user', async (t) => {
  const { ann, bob, conversation } = await scene();
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob)];
  const frame = { type: 'message', conversation_id: conversation, content: 'x' };
  t.ok(limitedOf(await flood([a], 40, frame)).length > 0);
  t.equal(limitedOf(await flood([b], 10, frame)).length, 0);
});

t.test('a user who was refused may send again after retry_after', async (t) => {
  const { ann, conversation } = await scene();
  const client = await system.connectNew(ann);
  const frame = { type: 'message', conversation_id: conversation, content: 'x' };
  const [refused] = limitedOf(await flood([client], 30, frame));
  const waitMs = 1_000 * (refused?.error?.retry_after ?? 0);
  // The edge counts `retry_after` on its own clock, and sends nothing when it is over, so the
  // test has to wait.
  await delay(waitMs);
  t.match(await client.post(conversation, 'later'), { type: 'reply' });
});

t.test('other frames beyond 100 at once are refused, but ack and ping are not', async (t) => {
  const client = await system.connectNew(await system.person());
  const startedAt = performance.now();
  const limited = limitedOf(await flood([client], 200, { type: 'conversations' }));
  hasPassed(t, 200 - limited.length, { ...OTHERS, startedAt });
  t.ok(limited.length > 0);
  const fresh = await system.connectNew(await system.person());
  for (const n of numbers(1, 150)) fresh.ack(n);
  const pongs = await flood([fresh], 150, { type: 'ping' });
  t.ok(pongs.every(({ type }) => type === 'pong'));
});

t.test('REST reads beyond 40 at once are refused with Retry-After', async (t) => {
  const { token } = await system.person();
  const startedAt = performance.now();
  const answers = await Promise.all(
    numbers(1, 150).map(() => system.rest('GET', '/api/v1/conversations', { token })),
  );
  const limited = answers.filter(({ status }) => status === 429);
  hasPassed(t, 150 - limited.length, { ...READS, startedAt });
  t.ok(limited.length > 0);
  t.ok(limited.every(({ headers }) => Number(headers.get('retry-after')) >= 1));
});

t.test('a REST body above 64 KiB is refused with 413', async (t) => {
  const { ann, conversation } = await scene();
  const path = `/api/v1/conversations/${conversation}/messages`;
  const { token } = ann;
  for (const bytes of [64 * KIB + 1, 900 * KIB]) {
    const answer = await system.rest('POST', path, { token, body: 'x'.repeat(bytes) });
    t.match(answer, { status: 413, body: { error: { code: 'PAYLOAD_TOO_LARGE' } } });
  }
  t.same(await system.history(ann, conversation), []);
});

t.test('a page of history is at most 256 KiB and tells that there is more', async (t) => {
  const { ann, bob, conversation } = await scene();
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob)];
  const content = '🙂'.repeat(8_000);
  for (const n of numbers(1, 12)) {
    const answer = await (n % 2 === 0 ? a : b).post(conversation, content);
    t.match(answer.data, { seq: n });
  }
  const page = await a.ask({ type: 'history', conversation_id: conversation, limit: 200 });
  const messages = page.data?.messages as { seq: number }[];
  t.ok(Buffer.byteLength(JSON.stringify(page)) <= 257 * KIB);
  t.ok(messages.length > 0 && messages.length < 12);
  t.equal(page.data?.has_more, true);
  t.equal(messages.at(-1)?.seq, 12, 'the page has the latest message');
  t.equal((await system.history(ann, conversation)).length, 12, 'paging finds all messages');
});

function postRest(person: Person, conversation: string) {
  const body = { client_msg_id: newId<string>(), content: 'x' };
  const path = `/api/v1/conversations/${conversation}/messages`;
  return system.rest('POST', path, { token: person.token, body });
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});

import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, setStack } from './stage/stack.ts';

/**
 * The first pages of chat lists are kept in Redis. A user's own change must be in their next list,
 * whatever happens to Redis.
 */
const system = await setStack(t, { edges: 2, routers: 2, stores: 2, areServersOwn: true });
const API = '/api/v1/conversations';
const ROUNDS = 4;
const ANSWER_MS_MAX = 2_000;

type View = { conversation_id: string; last_seq: number; is_muted: boolean; unread: number };

/** Reads a list, and waits if the user has read too often. */
const list = ({ token }: Person, query = ''): Promise<View[]> =>
  until('the list is answered', async () => {
    const { status, body } = await system.rest('GET', `${API}${query}`, { token, edge: 2 });
    if (status === 200) return body.conversations as View[];
    if (status !== 429) throw new Error(`${status} ${JSON.stringify(body)}`);
    return undefined;
  });

const [ann, bob] = await system.people(2);
const ids = [await system.conversation([ann, bob])];
const others = await system.people(3);
for (const other of others) ids.push(await system.conversation([ann, other]));

const call = (method: string, path: string, body?: unknown) =>
  system.rest(method, `${API}/${path}`, { token: ann.token, body });

const STATES: [string, () => Promise<void> | void][] = [
  ['well', () => undefined],
  ['frozen', () => system.signal('redis', 'SIGSTOP')],
  ['well again', () => system.signal('redis', 'SIGCONT')],
  ['dead', () => system.stack.kill('redis')],
  ['new and empty', () => system.stack.start('redis')],
];

for (const [state, bringAbout] of STATES) {
  t.test(`while Redis is ${state}, a user's own changes are in their next list`, async (t) => {
    await bringAbout();
    for (const round of numbers(1, ROUNDS)) {
      const id = ids[round % ids.length] as string;
      const startedAt = Date.now();
      await list(ann);
      const sent = await call('POST', `${id}/messages`, {
        ...{ client_msg_id: newId(), content: `${round}` },
      });
      t.equal(sent.status, 201);
      t.match((await list(ann))[0], { conversation_id: id, last_seq: sent.body.seq, unread: 0 });
      await call('PUT', `${id}/mute`);
      t.match((await list(ann))[0], { conversation_id: id, is_muted: true });
      await call('DELETE', `${id}/mute`);
      await call('DELETE', id);
      t.notOk((await list(ann)).some(({ conversation_id }) => conversation_id === id));
      t.match(await list(ann, '?archived=true'), [{ conversation_id: id }]);
      await call('POST', `${id}/messages`, { client_msg_id: newId(), content: 'back' });
      t.match((await list(ann))[0], { conversation_id: id, is_muted: false });
      const tookMs = Date.now() - startedAt;
      t.ok(tookMs < 11 * ANSWER_MS_MAX, `eleven requests in ${tookMs} ms`);
    }
  });
}

t.test('the second of two lists in a row comes from Redis', async (t) => {
  const hits = async (): Promise<number> => {
    const ports = system.stack.processes.flatMap(({ service, admin_port }) =>
      service === 'store' && admin_port !== undefined ? admin_port : [],
    );
    const texts = await Promise.all(
      ports.map(async (port) => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
    );
    const counts = texts.map((text) => /cache_total\{[^}]*"hit"[^}]*\} (\d+)/.exec(text)?.[1]);
    return counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
  };
  const before = await hits();
  await until('a page is kept', async () => (await list(ann)) && (await hits()) > before);
  t.pass();
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});

import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { FAULTS } from '../dev/kaha/faults.ts';
import { startStopwatch } from '../dev/testing/stopwatch.ts';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { Frame, MessageEvent } from './stage/client.ts';
import { KahaControl } from './stage/kaha-control.ts';
import { type Person, setStack } from './stage/stack.ts';

/**
 * The tests follow names from kaha-main-v3 to clients, and check what clients see when it fails.
 */
const system = await setStack(t, { edges: 1, routers: 1, stores: 1, areServersOwn: true });
const kaha = new KahaControl(system);
/** A response without names may take this long, with some time for a busy machine. */
const WITHOUT_NAMES_MS = 1_800;
const AT_ONCE_MS = 500;

type View = {
  name: string;
  participants: { user_id: string; name: string; avatar_url?: string }[];
};

/** A test that polls may be told to come later, and does so. */
async function list(person: Person): Promise<View[]> {
  const path = '/api/v1/conversations?limit=50';
  const { status, body } = await system.rest('GET', path, { token: person.token });
  if (status === 429) {
    await delay((body.error?.retry_after ?? 1) * 1_000);
    return list(person);
  }
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.conversations as View[];
}

const shownTo = async (person: Person) => new Set((await list(person)).map(({ name }) => name));

/**
 * Makes a direct conversation with each of `count` new people, and resolves with their names. If
 * `isKnown` is false, kaha-main-v3 knows none of them.
 */
async function befriend(me: Person, count: number, isKnown = true): Promise<Map<string, string>> {
  const others = Array.from({ length: count }, () => newId<string>());
  await Promise.all(others.map((id) => system.conversation([me, { id, token: '' }])));
  const named = isKnown ? others : [];
  const names = new Map(named.map((id) => [id, `Canary ${newId<string>().slice(0, 8)}`]));
  await kaha.name(names);
  return names;
}

/** Replaces the process by one that knows no name, and has asked kaha-main-v3 nothing. */
async function renewProfiles(): Promise<void> {
  system.stack.kill('profiles');
  await system.stack.start('profiles');
}

t.test(
  'a list of 50 takes one request for profiles, and none to kaha-main-v3 once warm',
  async (t) => {
    const me = await system.person();
    const names = new Map<string, string>();
    const others = Array.from({ length: 50 }, () => newId<string>());
    for (const id of others) names.set(id, `Canary ${id.slice(0, 8)}`);
    await kaha.name(names);
    await Promise.all(others.map((id) => system.conversation([me, { id, token: '' }])));
    await list(me);
    await kaha.set({ reset: true });
    const before = await kaha.metric('kaha_profiles_requests_total');
    const views = await list(me);
    t.equal(await kaha.metric('kaha_profiles_requests_total'), before + 1);
    t.equal((await kaha.asked()).batch_calls, 0);
    t.equal(views.length, 50);
    t.same(new Set(views.map(({ name }) => name)), new Set(names.values()));
    const seen = views.flatMap(({ participants }) => participants);
    for (const { user_id: id, name, avatar_url: avatar } of seen) {
      if (id === me.id) t.equal(name, 'Unknown User');
      else t.same([name, avatar], [names.get(id), `https://example.com/${id}.png`]);
    }
  },
);

t.test('50 names that no cache has take one call of at most 100 ids', async (t) => {
  const me = await system.person();
  // These ids have no name, so the creations of their conversations have looked them up in vain.
  const names = await befriend(me, 50, false);
  t.equal(names.size, 0);
  await renewProfiles();
  await kaha.set({ reset: true });
  await list(me);
  const { batch_calls: calls, ids, overlaps } = await kaha.asked();
  t.same({ calls, ids, overlaps }, { calls: 1, ids: 51, overlaps: 0 });
});

t.test('a changed profile is told to those who share a conversation, to no others', async (t) => {
  const [ann, bob, eve] = await system.people(3);
  await kaha.name(new Map([[ann.id, 'Canary Ann before']]));
  await system.conversation([ann, bob]);
  await system.conversation([eve, { id: newId<string>(), token: '' }]);
  const [b, e] = [await system.connectNew(bob), await system.connectNew(eve)];
  t.equal((await list(bob))[0]?.name, 'Canary Ann before');
  for (const via of [undefined, 'webhook'] as const) {
    const name = `Canary Ann by ${via ?? 'stream'}`;
    await kaha.name(new Map([[ann.id, name]]));
    const at = Date.now();
    await kaha.updated(ann.id, via);
    t.match(await b.next('profile_updated'), { user_id: ann.id });
    t.ok(Date.now() - at < 1_000);
    const [view] = await list(bob);
    t.equal(view?.name, name, 'the new name is there when the change is told');
    t.equal(view?.participants.find(({ user_id: id }) => id === ann.id)?.name, name);
  }
  await e.settled();
  t.notOk(e.received.some(({ type }) => type === 'profile_updated'));
});

const MESSAGES = (id: string) => `/api/v1/conversations/${id}/messages`;
const GROUP = (id: string) => `/api/v1/conversations/${id}`;
const says = (content: string) => (frame: Frame) => frame.content === content;
const contentsOf = ({ messages }: Record<string, unknown>) =>
  (messages as MessageEvent[]).map(({ content }) => content);

/** Resolves with the answer of `ask`, and how many requests for profiles it took. */
async function counted<Answer>(ask: () => Promise<Answer>): Promise<[Answer, number]> {
  const before = await kaha.metric('kaha_profiles_requests_total');
  return [await ask(), (await kaha.metric('kaha_profiles_requests_total')) - before];
}

t.test('a system message has names wherever it is shown, for one request', async (t) => {
  const [ann, bob, cat, dan] = await system.people(4);
  const nameOf = ({ id }: Person) => `Canary ${id.slice(0, 8)}`;
  await kaha.name(new Map([ann, bob, cat, dan].map((person) => [person.id, nameOf(person)])));
  const [A, D] = [nameOf(ann), nameOf(dan)];
  const id = await system.conversation([ann, bob, cat]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob)];
  await a.post(id, 'before');
  const asAnn = (method: string, path: string, body?: unknown) =>
    system.rest(method, path, { token: ann.token, body });
  const said = [`${A} changed the title to “Trek”`, `${A} added ${D}`, `${A} removed ${D}`];
  await asAnn('PATCH', GROUP(id), { title: 'Trek' });
  await asAnn('POST', `${GROUP(id)}/participants`, { user_ids: [dan.id] });
  await asAnn('DELETE', `${GROUP(id)}/participants/${dan.id}`);
  for (const content of said) for (const device of [a, b]) await device.next(says(content));
  const told = b.received.findLast(({ type }) => type === 'conversation');
  t.match(told, { conversation: { last_message: { content: said[2] } } });

  const [page, ofPage] = await counted(() => b.ask({ type: 'history', conversation_id: id }));
  t.same(contentsOf(page.data ?? {}), ['before', ...said]);
  const [rest, ofRest] = await counted(() => asAnn('GET', MESSAGES(id)));
  t.same(contentsOf(rest.body), ['before', ...said]);
  const last = (rest.body.messages as MessageEvent[]).at(-1) as MessageEvent;
  const [one, ofOne] = await counted(() => asAnn('GET', `/api/v1/messages/${last.message_id}`));
  t.match(one.body, { content: said[2], metadata: { user_id: dan.id }, message_type: 'system' });
  const [listed, ofList] = await counted(() => asAnn('GET', '/api/v1/conversations'));
  const shown = listed.body.conversations as { last_message: object }[];
  t.match(shown[0]?.last_message, { content: said[2], message_type: 'system' });
  t.notOk('said' in (shown[0]?.last_message ?? {}));
  const [details, ofDetails] = await counted(() => asAnn('GET', GROUP(id)));
  t.match(details.body.last_message, { content: said[2] });
  t.same([ofPage, ofRest, ofOne, ofList, ofDetails], [1, 1, 1, 1, 1], 'each takes one request');

  const preview = { message_id: last.message_id, sender_id: ann.id, message_type: 'system' };
  const quote = { ...preview, content: said[2] };
  const { data } = await b.post(id, 'why?', { reply_to: last.message_id });
  t.same((await a.next(says('why?'))).reply_to, quote);
  const path = `/api/v1/messages/${data?.message_id}`;
  const edited = await system.rest('PATCH', path, { token: bob.token, body: { content: 'so?' } });
  t.same(edited.body.reply_to, quote);
  const [after, ofAfter] = await counted(() => asAnn('GET', `${MESSAGES(id)}?limit=1`));
  t.match(after.body.messages, [{ content: 'so?', reply_to: quote }]);
  t.equal(ofAfter, 1);
  const [plain, ofPlain] = await counted(() => asAnn('GET', `${MESSAGES(id)}?before_seq=2`));
  t.same(
    [contentsOf(plain.body), ofPlain],
    [['before'], 0],
    'a page without system messages asks for no names',
  );

  const [c, ofReplay] = await counted(() => system.connectNew(cat));
  t.same(
    c.messageEvents.map(({ content }) => content),
    ['before', ...said, 'so?'],
    'a replay to a new device',
  );
  t.equal(ofReplay, 1);
});

t.test('while profiles is frozen, system messages come in time, without names', async (t) => {
  const [ann, bob] = await system.people(2);
  await kaha.name(new Map([[ann.id, 'Canary frozen']]));
  const id = await system.conversation([ann, bob, await system.person()]);
  const b = await system.connectNew(bob);
  const patch = (title: string) =>
    system.rest('PATCH', GROUP(id), { token: ann.token, body: { title } });
  const stored = 'Unknown User changed the title to “Trek”';
  system.signal('profiles', 'SIGSTOP');
  try {
    const at = Date.now();
    const changing = patch('Trek');
    await b.next(says(stored));
    t.ok(Date.now() - at < WITHOUT_NAMES_MS, `${Date.now() - at} ms`);
    t.equal((await changing).status, 200);
    for (let times = 0; times < 3; times += 1) {
      const askedAt = Date.now();
      const { data } = await b.ask({ type: 'history', conversation_id: id });
      t.same(contentsOf(data ?? {}), [stored]);
      t.ok(Date.now() - askedAt < WITHOUT_NAMES_MS, `${Date.now() - askedAt} ms`);
    }
    await Promise.all([patch('Trek 2'), b.post(id, 'after')]);
    await b.messages(3);
    t.same(
      b.messageEvents.map(({ seq }) => seq),
      [1, 2, 3],
    );
  } finally {
    system.signal('profiles', 'SIGCONT');
  }
  const named = async () => {
    const { data } = await b.ask({ type: 'history', conversation_id: id, limit: 50 });
    return contentsOf(data ?? {}).includes('Canary frozen changed the title to “Trek”');
  };
  await until('system messages have names again', named);
});

for (const mode of Object.keys(FAULTS)) {
  t.test(`while kaha-main-v3 answers as "${mode}", names or fallbacks come in time`, async (t) => {
    const me = await system.person();
    const names = await befriend(me, 4);
    // The process remembers from the creations that the ids are unknown. A new process does not.
    await renewProfiles();
    await kaha.set({ mode, delay_ms: mode === 'drip' ? 100 : 2_000, reset: true });
    const at = Date.now();
    const views = await list(me);
    t.ok(Date.now() - at < WITHOUT_NAMES_MS, `${Date.now() - at} ms`);
    t.equal(views.length, 4);
    for (const { name, participants } of views) {
      const other = participants.find(({ user_id: id }) => id !== me.id);
      const known = names.get(other?.user_id ?? '') ?? '';
      const isRight = [known, 'Unknown User'].includes(name) || /^x{200}$/.test(name);
      t.ok(isRight, name);
      t.notOk(other?.avatar_url?.startsWith('javascript'));
    }
    if (['ok', 'repeated'].includes(mode)) {
      t.same(new Set(views.map(({ name }) => name)), new Set(names.values()));
    }
    t.ok((await kaha.asked()).batch_calls > 0);
    await kaha.set({ mode: 'ok' });
  });
}

t.test('an open page that shows Unknown User is told the names after an outage', async (t) => {
  const [me, you] = await system.people(2);
  const page = await system.connectNew(me);
  await kaha.set({ mode: 'down', reset: true });
  const [mine, yours] = [await befriend(me, 4), await befriend(you, 2)];
  const isOpen = async () => {
    for (const { name } of await list(me)) t.equal(name, 'Unknown User');
    return (await kaha.metric('kaha_profiles_circuit_state')) === 2;
  };
  await until('the circuit is open', isOpen);
  await kaha.set({ mode: 'ok' });
  const isClosed = async () => (await kaha.metric('kaha_profiles_circuit_state')) === 0;
  await until('the circuit is closed, without a request', isClosed);
  t.same(await shownTo(you), new Set(yours.values()), 'the first list after it has all names');
  const told = () => page.received.filter(({ type }) => type === 'profile_updated');
  await until('the page is told', () => told().length >= 4);
  t.same(new Set(told().map(({ user_id: id }) => id)), new Set(mine.keys()));
  t.same(await shownTo(me), new Set(mine.values()));
});

t.test('without Redis names still come, and without kaha-main-v3 too fallbacks do', async (t) => {
  const me = await system.person();
  const names = await befriend(me, 4);
  await renewProfiles();
  system.signal('redis', 'SIGKILL');
  t.same(await shownTo(me), new Set(names.values()));
  // The process knows none of the people that the next list needs, so it has to ask kaha-main-v3.
  const you = await system.person();
  await kaha.set({ mode: 'hang', reset: true });
  const others = await befriend(you, 4);
  const isOpen = async () => {
    await list(you);
    return (await kaha.metric('kaha_profiles_circuit_state')) === 2;
  };
  await until('the circuit is open', isOpen);
  for (let times = 0; times < 5; times += 1) {
    const watch = startStopwatch();
    const views = await list(you);
    const tookMs = watch.stop();
    t.ok(views.every(({ name }) => name === 'Unknown User'));
    t.ok(tookMs < AT_ONCE_MS, `${tookMs} ms`);
  }
  t.same(
    await shownTo(me),
    new Set(names.values()),
    'the names that the process holds are still shown',
  );
  t.ok((await kaha.asked()).in_flight_max <= 8);
  await kaha.set({ mode: 'ok' });
  const isBack = async () =>
    (await list(you)).every(({ name }) => [...others.values()].includes(name));
  await until('the names are back', isBack, 10_000);
  await system.stack.start('redis');
});

t.test('no log holds a name', async (t) => {
  t.same(system.leaks(), []);
});

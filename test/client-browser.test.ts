import t, { type Test } from 'tap';
import { until } from '../dev/testing/until.ts';
import { Chatter } from './chatters/chatter.ts';
import { buildTabScript, type ChatTab, Profile } from './chatters/tabs.ts';
import { startCuttingProxy } from './harm/cutting-proxy.ts';
import { setBrowser, WITHOUT_BROWSER } from './page/browser.ts';
import { setStack } from './stage/stack.ts';

/** The client runs in a real browser here, with its storage, its locks and its channels. */
const browser = await setBrowser(t);
const skip = browser === undefined && WITHOUT_BROWSER;
const stage = browser && {
  browser,
  system: await setStack(t, { edges: 1, routers: 1, stores: 1 }),
  script: await buildTabScript(),
};
const TAKEN_OVER_MS = 1_000;
/** Nothing is deleted any more, as if the tab were killed just before. */
const KEEP_ALL = `globalThis.kept = 0;
IDBObjectStore.prototype.delete = function (key) {
  globalThis.kept += 1;
  return this.get(key);
};`;
const LACKS = [
  [
    'storage',
    `Object.defineProperty(globalThis, 'indexedDB', {
      get() { throw new DOMException('not here', 'SecurityError'); },
    });`,
    'storage',
  ],
  ['locks', "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });", 'tabs'],
] as const;

/** Ann has a browser, whose network a proxy cuts, and Bob a client in Node. */
async function scene(t: Test) {
  const { system, browser, script } = stage as NonNullable<typeof stage>;
  const [ann, person] = await system.people(2);
  const id = await system.conversation([ann, person]);
  const proxy = await startCuttingProxy(t, [system.edgePort()]);
  const profile = await Profile.open(t, browser, { url: proxy.url, script });
  const bob = await new Chatter(system, person).join();
  t.teardown(() => bob.chat.disconnect());
  const texts = async (count: number): Promise<(string | undefined)[]> =>
    (await bob.hears(id, count)).map(({ content }) => content);
  const tell = (content: string) => bob.chat.send({ conversation_id: id, content }).acknowledged;
  return { ann, id, proxy, profile, texts, tell };
}

t.test('what was written offline survives a reload, and goes out in order', { skip }, async (t) => {
  const { ann, id, proxy, profile, texts } = await scene(t);
  const tab = await profile.tab(ann);
  await tab.is('connected');
  proxy.setClosed(true);
  for (const text of ['one', 'two', 'three']) await tab.send(id, text);
  await until('all are stored', async () => (await tab.stored('outbox')).length === 3);
  await tab.load();
  await until('all are shown', async () => (await tab.unsent()).length === 3);
  t.same(await tab.unsent(), ['one', 'two', 'three']);
  await tab.send(id, 'four');
  proxy.setClosed(false);
  t.same(await texts(4), ['one', 'two', 'three', 'four']);
  await until('nothing is stored', async () => (await tab.stored('outbox')).length === 0);
});

t.test(
  'a message that the server has is not sent twice by who comes after a kill',
  { skip },
  async (t) => {
    const { ann, id, profile, texts } = await scene(t);
    const tab = await profile.tab(ann);
    await tab.is('connected');
    await tab.page.evaluate(KEEP_ALL);
    await tab.send(id, 'one');
    await until('it was to be deleted', () => tab.page.evaluate('globalThis.kept > 0'));
    await tab.kill();
    const next = await profile.tab(ann);
    await until('nothing is stored', async () => (await next.stored('outbox')).length === 0);
    await next.send(id, 'two');
    t.same(await texts(2), ['one', 'two']);
    t.same(await next.unsent(), []);
  },
);

t.test('a kill while there is no network loses nothing that was written', { skip }, async (t) => {
  const { ann, id, proxy, profile, texts } = await scene(t);
  const tab = await profile.tab(ann);
  await tab.is('connected');
  proxy.setClosed(true);
  await tab.send(id, 'one');
  await until('it is stored', async () => (await tab.stored('outbox')).length === 1);
  await tab.kill();
  proxy.setClosed(false);
  await profile.tab(ann);
  t.same(await texts(1), ['one']);
});

t.test('two tabs are one device, and each is told all', { skip }, async (t) => {
  const { ann, id, profile, texts, tell } = await scene(t);
  const first = await profile.tab(ann);
  await first.is('connected');
  const second = await profile.tab(ann);
  await second.is('connected');
  await second.send(id, 'from the second');
  await texts(1);
  await first.send(id, 'from the first');
  t.same(await texts(2), ['from the second', 'from the first']);
  await tell('to both');
  const all = ['from the second', 'from the first', 'to both'];
  for (const tab of [first, second]) t.same(await tab.hears(3), all);
  t.same([first.sockets, second.sockets], [1, 0]);
  await second.page.evaluate(() => tab.logout());
  for (const tab of [first, second]) await tab.is('disconnected');
  t.same(await first.stored(''), [], 'the browser keeps nothing of the user');
});

for (const [how, end] of Object.entries({
  closes: (tab: ChatTab) => tab.page.close(),
  'is killed': (tab: ChatTab) => tab.kill(),
})) {
  t.test(
    `another tab takes over within a second when the leading one ${how}`,
    { skip },
    async (t) => {
      const { ann, id, profile, texts, tell } = await scene(t);
      const first = await profile.tab(ann);
      await first.is('connected');
      const second = await profile.tab(ann);
      await second.is('connected');
      await tell('before');
      await second.hears(1);
      const endedAt = Date.now();
      await end(first);
      await second.send(id, 'after');
      t.same(await texts(2), ['before', 'after']);
      await second.is('connected');
      const tookMs = (await second.connectedAt()) - endedAt;
      t.ok(tookMs <= TAKEN_OVER_MS, `it took ${tookMs} ms`);
      t.same(await second.hears(2), ['before', 'after']);
    },
  );
}

t.test(
  'a storage that is full is told of, and messages go out all the same',
  { skip },
  async (t) => {
    const { ann, id, profile, texts } = await scene(t);
    await profile.fillDisk();
    const tab = await profile.tab(ann);
    await tab.is('connected');
    await tab.send(id, 'x'.repeat(3_000));
    await tab.send(id, 'two');
    t.equal((await texts(2))[1], 'two');
    await until('it is told of', async () => (await tab.degraded()).length > 0);
    t.same(await tab.degraded(), ['storage']);
  },
);

for (const [what, lack, told] of LACKS) {
  t.test(`a page that has no ${what} says so and chats`, { skip }, async (t) => {
    const { ann, id, profile, texts, tell } = await scene(t);
    await profile.prepare(lack);
    const tab = await profile.tab(ann);
    await tab.is('connected');
    t.same(await tab.degraded(), [told]);
    await tab.send(id, 'one');
    await texts(1);
    await tell('two');
    t.same(await tab.hears(2), ['one', 'two']);
  });
}

t.test(
  'the strict mode of React mounts a client twice, and it has one session',
  { skip },
  async (t) => {
    const { ann, id, profile, texts, tell } = await scene(t);
    const tab = await profile.tab(ann, { isStrict: true });
    await until('it is shown', async () => (await tab.page.textContent('body')) === 'connected');
    t.ok((await tab.statuses()).includes('disconnected'), 'it was unmounted meanwhile');
    await tell('one');
    await tab.send(id, 'two');
    t.same(await texts(2), ['one', 'two']);
    t.same(await tab.hears(2), ['one', 'two']);
    t.equal(tab.sockets, 1);
  },
);

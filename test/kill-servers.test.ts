import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { startStopwatch } from '../dev/testing/stopwatch.ts';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { trustClock } from '../services/store/stage/expiry-stage.ts';
import type { MessageId } from '../shared/ids.ts';
import { CONTENT_KEYS, KeyCommands, toVariable } from './content-keys/key-commands.ts';
import { addKeys, OldTalk } from './content-keys/old-talk.ts';
import { isAtIt, isDropped, makeExpired } from './expiry/expired-week.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';
import { startTraffic } from './stage/traffic.ts';

/** Each server dies by kill -9 in the middle of traffic, and comes back with its data. */
const system = await setStack(t, {
  ...{ edges: 2, routers: 2, stores: 2, areServersOwn: true },
  env: {
    store: { CONTENT_KEYS: toVariable(CONTENT_KEYS) },
    retention: { PARTITION_INTERVAL_S: '1' },
  },
});
const ROUNDS = isSoak ? 20 : 1;
const BETWEEN = 25;

for (const name of ['nats', 'postgres', 'redis']) {
  t.test(`nothing acknowledged is lost when kill -9 takes ${name}`, async (t) => {
    const traffic = await startTraffic(system, [1, 2]);
    for (const _ of numbers(1, ROUNDS)) {
      await traffic.progress(BETWEEN);
      system.signal(name, 'SIGKILL');
      if (name === 'redis') await traffic.progress(BETWEEN);
      await system.stack.start(name);
      await traffic.progress(BETWEEN);
    }
    await traffic.check(t);
  });
}

/** Each round has so many more texts and keys to move, and one kill. */
const KEYS = isSoak
  ? { rounds: 30, texts: 2_000, keys: 5_000, rowsPerS: 2_000 }
  : { rounds: 1, texts: 300, keys: 100, rowsPerS: 500 };
const KILLED_AFTER_MS_MAX = 1_000;

t.test('kill -9 of Postgres, a store and commands that change keys costs no text', async (t) => {
  const people = await system.people(2);
  const talk = new OldTalk(system, people, await system.conversation(people));
  const client = await system.connectNew(people[0]);
  const commands = new KeyCommands(system.stack.urls.database);
  t.teardown(() => commands.kill());
  const [k1, k2] = CONTENT_KEYS;
  const move = ['reencrypt', '--rows-per-s', String(KEYS.rowsPerS)];
  for (const _ of numbers(1, KEYS.rounds)) {
    await talk.addTexts(KEYS.texts, k1);
    await addKeys(system, KEYS.keys, k1);
    const keys = [k2, k1];
    await Promise.all([['rotate'], move].map((args) => commands.begin({ args, keys })));
    if (isSoak) await delay(Math.random() * KILLED_AFTER_MS_MAX);
    commands.kill();
    for (const name of ['postgres', 'store-1']) system.signal(name, 'SIGKILL');
    const edited = [...talk.texts.keys()].at(-1) as MessageId;
    const edit = { type: 'edit', message_id: edited, content: `edited ${talk.texts.size}` };
    await Promise.all(['postgres', 'store-1'].map((name) => system.stack.start(name)));
    const asked = async () => (await client.ask(edit)).type === 'reply';
    await Promise.all([until('an edit', asked), commands.finish({ args: move, keys })]);
    await commands.finish({ args: ['rotate'], keys });
    talk.texts.set(edited, edit.content);
  }
  t.same(await talk.differences(), []);
  const left = `select key_id from messages where key_id not like '@%'
    union all select key_id from content_keys where key_id <> 'k2'`;
  t.same(await system.sql(left), []);
  await client.close();
});

/** Each round lets the first texts of a conversation go, and many more of others. */
const EXPIRING = isSoak ? { rounds: 30, others: 20_000 } : { rounds: 1, others: 1_500 };
const SENT = 6;

t.test('kill -9 of Postgres, a store and retention while messages go costs no other', async (t) => {
  const people = await system.people(2);
  const client = await system.connectNew(people[0]);
  await trustClock((...args) => system.sql(...args), 0);
  for (const round of numbers(1, EXPIRING.rounds)) {
    const id = await system.conversation(people);
    for (const _ of numbers(1, SENT)) await client.post(id, 'text');
    const week = await makeExpired(system, id, EXPIRING.others);
    await until('retention is at it', () => isAtIt(system, week));
    if (isSoak) await delay(Math.random() * KILLED_AFTER_MS_MAX);
    const names = ['postgres', 'store-1', 'retention'];
    for (const name of names) system.signal(name, 'SIGKILL');
    await Promise.all(names.map((name) => system.stack.start(name)));
    await until('the partition is dropped', () => isDropped(system, week));
    const shown = await system.history(people[1], id);
    t.same(
      shown.map(({ seq }) => seq),
      [4, 5, 6],
      `round ${round}`,
    );
    const keys = 'select seq from message_keys where conversation_id = $1 order by seq';
    t.match(await system.sql(keys, [id]), [{ seq: 4 }, { seq: 5 }, { seq: 6 }]);
  }
  const left = `select from message_keys where sent_at < '2021-01-01'`;
  t.same(await system.sql(left), []);
  await client.close();
});

t.test('without Postgres a send is refused in time, and sockets and pings live on', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob, { edge: 2 })];
  system.signal('postgres', 'SIGKILL');
  const watch = startStopwatch();
  const refused = await a.post(conversation, 'lost');
  const tookMs = watch.stop();
  t.ok(tookMs < 3_000, `${tookMs} ms`);
  t.match(refused, { error: { code: 'DATABASE_UNAVAILABLE', retry_after: Number } });
  const rest = await system.rest('GET', `/api/v1/conversations/${conversation}/messages`, {
    token: ann.token,
  });
  t.match(rest, { status: 503, body: { error: { code: 'DATABASE_UNAVAILABLE' } } });
  t.ok(Number(rest.headers.get('retry-after')) >= 1);
  await b.close();
  const back = await system.connect(bob);
  t.equal(back.received[0]?.resumed, true, 'a known device connects without Postgres');
  await a.settled();
  await system.stack.start('postgres');
  const sent = await until('a send goes through', async () => {
    const answer = await a.post(conversation, 'kept');
    return answer.type === 'reply' && answer;
  });
  t.match(sent.data, { seq: 1 }, 'the refused send took no seq');
  t.match(await back.messages(1), [{ seq: 1, content: 'kept' }]);
});

t.test('without NATS requests are refused at once, and sockets stay open', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob, { edge: 2 })];
  await a.post(conversation, 'before');
  await b.messages(1);
  system.signal('nats', 'SIGKILL');
  await until('it is noticed', async () => {
    const startedAt = Date.now();
    const answer = await a.post(conversation, 'lost');
    t.ok(Date.now() - startedAt < 5_000);
    t.match(answer, { error: { code: /^(MESSAGING_UNAVAILABLE|TIMEOUT)$/ } });
    return answer.error?.code === 'MESSAGING_UNAVAILABLE';
  });
  await a.settled();
  t.ok(b.isOpen);
  await t.rejects(system.socket(), { message: /503/ }, 'no new socket opens meanwhile');
  await system.stack.start('nats');
  await until('a send goes through', async () => {
    return (await a.post(conversation, 'after')).type === 'reply';
  });
  await b.next(({ content }) => content === 'after');
  t.ok(b.isOpen, 'the socket is the same all the time');
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});

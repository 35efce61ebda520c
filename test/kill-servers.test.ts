import t from 'tap';
import { startStopwatch } from '../dev/testing/stopwatch.ts';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';
import { startTraffic } from './stage/traffic.ts';

/** Each server dies by kill -9 in the middle of traffic, and comes back with its data. */
const system = await setStack(t, { edges: 2, routers: 2, stores: 2, areServersOwn: true });
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

import t from 'tap';
import { startStopwatch } from '../../dev/testing/stopwatch.ts';
import { until } from '../../dev/testing/until.ts';
import {
  businessIds,
  CALLER_MS,
  setStage,
  startRedisProxy,
  userIds,
} from './stage/profiles-stage.ts';
import { answerAll } from './stage/scripted-kaha.ts';

/** An open circuit sends one probe this long after the last call failed. */
const HALF_OPEN_MS = 2_000;

t.test('names come from kaha-main-v3 the first time and then from the cache', async (t) => {
  const stage = await setStage();
  t.teardown(() => stage.close());
  const server = await stage.start();
  const [user] = userIds(1) as [never];
  const [business] = businessIds(1) as [never];
  const body = { user_ids: [user], business_ids: [business] };
  const expected = {
    users: [{ id: user, name: `Name of ${user}` }],
    businesses: [{ id: business, name: `Name of ${business}` }],
  };
  t.same(await stage.get(body), expected);
  t.same(await stage.get(body), expected);
  t.equal(stage.kaha.calls.length, 1);
  t.equal(stage.kaha.calls[0]?.authorization, 'Bearer service-token');

  await server.close();
  await stage.start();
  t.same(await stage.get(body), expected, 'another process finds the names in Redis');
  t.equal(stage.kaha.calls.length, 1);
});

t.test(
  'ids that are asked for together become few calls, and each id is in one of them',
  async (t) => {
    const stage = await setStage();
    t.teardown(() => stage.close());
    await stage.start();
    const ids = userIds(250);
    const requests = Array.from({ length: 25 }, (_, index) =>
      stage.get({ user_ids: [...ids.slice(index * 10, index * 10 + 10), ...ids.slice(0, 5)] }),
    );
    const replies = await Promise.all(requests);
    for (const { users } of replies) t.ok(users.length >= 10);
    const asked = stage.kaha.calls.map(({ body }) => body.user_ids);
    t.ok(asked.length <= 5, `${asked.length} calls for 250 ids`);
    t.ok(asked.every((part) => part.length <= 100));
    t.equal(asked.flat().length, 250);
    t.equal(new Set(asked.flat()).size, 250);
  },
);

t.test(
  'an unknown user is absent, and kaha-main-v3 is not asked for them again soon',
  async (t) => {
    const stage = await setStage();
    t.teardown(() => stage.close());
    await stage.start();
    stage.kaha.behave((_, response) => void response.end('{"users":[],"businesses":[]}'));
    const ids = userIds(2);
    t.same(await stage.get({ user_ids: ids }), { users: [], businesses: [] });
    stage.kaha.behave(answerAll);
    t.same(await stage.get({ user_ids: ids }), { users: [], businesses: [] });
    t.equal(stage.kaha.calls.length, 1);
  },
);

t.test('kaha-main-v3 is asked again after an answer that is cut, wrong or malformed', async (t) => {
  const stage = await setStage();
  t.teardown(() => stage.close());
  await stage.start();
  for (const bad of ['{"users":[', '', '[]']) {
    let tries = 0;
    stage.kaha.behave((body, response) => {
      tries += 1;
      if (tries === 1) response.end(bad);
      else answerAll(body, response);
    });
    t.equal((await stage.get({ user_ids: userIds(1) })).users.length, 1, bad);
  }
  stage.kaha.behave((_, response) => void response.writeHead(401).end());
  const before = stage.kaha.calls.length;
  t.equal((await stage.get({ user_ids: userIds(1) })).users.length, 0);
  t.equal(stage.kaha.calls.length, before + 1, 'a refusal is not repeated');
});

t.test(
  'while kaha-main-v3 is down, the cache answers, other names are absent, the circuit opens',
  async (t) => {
    const stage = await setStage();
    t.teardown(() => stage.close());
    await stage.start();
    const [known] = userIds(1) as [never];
    await stage.get({ user_ids: [known] });
    const downAt = Date.now();
    let triedAt = downAt;
    stage.kaha.behave((_, response) => {
      triedAt = Date.now();
      response.destroy();
    });
    for (let round = 0; round < 6; round += 1) {
      const { users } = await stage.get({ user_ids: [known, ...userIds(3)] });
      t.same(
        users.map(({ id }) => id),
        [known],
      );
    }
    const { calls } = stage.kaha;
    const triesMax = Math.floor((Date.now() - downAt) / HALF_OPEN_MS);
    t.ok(calls.length <= 6 + triesMax, `${calls.length} calls, the circuit has opened`);
    const isOpen = (): boolean => Date.now() - triedAt < HALF_OPEN_MS;
    let before = 0;
    do {
      await until('the circuit has just let a call through', async () => {
        if (!isOpen()) await stage.get({ user_ids: userIds(1) });
        return isOpen();
      });
      before = calls.length;
      await stage.get({ user_ids: userIds(1) });
    } while (!isOpen());
    t.equal(calls.length, before, 'kaha-main-v3 is not asked while the circuit is open');

    stage.kaha.behave(answerAll);
    await until(
      'the name is there',
      async () => (await stage.get({ user_ids: userIds(1) })).users.length === 1,
    );
    t.pass('the service recovers by itself');
  },
);

t.test('an outage that ends while nobody asks is over for the first one who does', async (t) => {
  const stage = await setStage();
  t.teardown(() => stage.close());
  const { adminPort } = await stage.start();
  const circuit = async () => {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return /^kaha_profiles_circuit_state\{.*\} (\d)$/m.exec(text)?.[1];
  };
  stage.kaha.behave((_, response) => response.destroy());
  const missed = userIds(3);
  await until('the circuit is open', async () => {
    t.same(await stage.get({ user_ids: missed }), {
      ...{ users: [], businesses: [] },
      missed: { user_ids: missed, business_ids: [] },
    });
    return (await circuit()) === '2';
  });
  stage.kaha.behave(answerAll);
  await until('the circuit is closed', async () => (await circuit()) === '0');
  t.equal((await stage.get({ user_ids: missed })).users.length, 3);
});

t.test('without Redis, only the first request waits for a kaha-main-v3 that hangs', async (t) => {
  const stage = await setStage();
  t.teardown(() => stage.close());
  await stage.start({ redisUrl: 'redis://127.0.0.1:1' });
  stage.kaha.behave(() => undefined);
  t.equal((await stage.get({ user_ids: userIds(3) }, CALLER_MS)).users.length, 0);
  for (let times = 0; times < 5; times += 1) {
    const watch = startStopwatch();
    const { users, missed } = await stage.get({ user_ids: userIds(3) });
    const tookMs = watch.stop();
    t.same([users.length, missed?.user_ids?.length], [0, 3]);
    t.ok(tookMs < 250, `${tookMs} ms`);
  }
});

t.test('while kaha-main-v3 is frozen, cached names come before the caller gives up', async (t) => {
  const stage = await setStage();
  t.teardown(() => stage.close());
  await stage.start();
  const [known, late] = userIds(2) as [never, never];
  await stage.get({ user_ids: [known] });
  stage.kaha.behave(() => undefined);
  const { users } = await stage.get({ user_ids: [known, late] }, CALLER_MS);
  t.same(
    users.map(({ id }) => id),
    [known],
  );
});

t.test(
  'while Redis is down, kaha-main-v3 answers, and readyz says why the service is not ready',
  async (t) => {
    const stage = await setStage();
    t.teardown(() => stage.close());
    const { adminPort } = await stage.start({ redisUrl: 'redis://127.0.0.1:1' });
    t.equal((await stage.get({ user_ids: userIds(3) })).users.length, 3);
    const ready = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
    t.equal(ready.status, 503);
    t.equal(await ready.text(), 'Redis is not connected\n');
  },
);

t.test(
  'while Redis is frozen, names come from kaha-main-v3, first late and then at once',
  async (t) => {
    const stage = await setStage();
    const proxy = await startRedisProxy();
    t.teardown(() => Promise.all([stage.close(), proxy.close()]));
    const { adminPort } = await stage.start({ redisUrl: proxy.url });
    const readyz = async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status;
    await until('readyz answers 200', async () => (await readyz()) === 200);
    proxy.freeze();
    t.equal((await stage.get({ user_ids: userIds(300) })).users.length, 300);
    await until('readyz answers 503', async () => (await readyz()) === 503);
    const { lookups } = proxy;
    t.ok(lookups > 0, 'Redis was asked while it was thought alive');
    t.equal((await stage.get({ user_ids: userIds(3) })).users.length, 3);
    t.equal(
      proxy.lookups,
      lookups,
      'a dead connection to Redis is not used, so nobody waits for it',
    );
  },
);

t.test('a request of the wrong shape is refused', async (t) => {
  const stage = await setStage();
  t.teardown(() => stage.close());
  await stage.start();
  const bad = [null, { user_ids: 'x' }, { user_ids: ['x'] }, { user_ids: userIds(2001) }];
  for (const body of bad) {
    await t.rejects(stage.get(body as never), { code: 'INVALID_REQUEST' });
  }
  const both = { user_ids: userIds(1200), business_ids: businessIds(1200) };
  await t.rejects(stage.get(both), { code: 'INVALID_REQUEST' });
  t.equal((await stage.get({ user_ids: userIds(1000) })).users.length, 1000);
});

t.test('a closing service answers open requests, and it was ready before', async (t) => {
  const stage = await setStage();
  t.teardown(() => stage.close());
  const server = await stage.start();
  const admin = `http://127.0.0.1:${server.adminPort}`;
  await until('readyz answers 200', async () => (await fetch(`${admin}/readyz`)).status === 200);
  t.match(await (await fetch(`${admin}/metrics`)).text(), /kaha_profiles_lookups_total/);
  let answer: (() => void) | undefined;
  stage.kaha.behave((body, response) => {
    answer = () => answerAll(body, response);
  });
  const reply = stage.get({ user_ids: userIds(1) });
  await until('the request has come', () => answer !== undefined);
  const closed = server.close();
  await until('readyz answers 503', async () => (await fetch(`${admin}/readyz`)).status === 503);
  answer?.();
  t.equal((await reply).users.length, 1);
  await closed;
});

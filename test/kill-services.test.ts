import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { NOBODY, newId } from '../shared/ids.ts';
import { askAsService } from './stage/business.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';
import { startTraffic } from './stage/traffic.ts';
import { placesWith } from './traces/places-with.ts';

/** Each kind of process dies by kill -9 in the middle of traffic. */
const system = await setStack(t, {
  ...{ edges: 2, routers: 2, stores: 2 },
  env: { edge: { DRAIN_MS: '1000' } },
});
const ROUNDS = isSoak ? 20 : 1;
const BETWEEN = 25;
const CONVERSATIONS = 8;

const VICTIMS: [string, string[]][] = [
  ['an edge', ['edge-1']],
  ['a router', ['router-1']],
  ['a store', ['store-2']],
  ['all routers', ['router-1', 'router-2']],
  ['all stores', ['store-1', 'store-2']],
  ['one of each', ['edge-2', 'router-2', 'store-1']],
];

for (const [what, names] of VICTIMS) {
  t.test(`nothing acknowledged is lost when kill -9 takes ${what}`, async (t) => {
    const traffic = await startTraffic(system, [1, 2]);
    for (const _ of numbers(1, ROUNDS)) {
      await traffic.progress(BETWEEN);
      for (const name of names) system.stack.kill(name);
      // If other processes of the kind are left, they go on alone for a while.
      if (names.length === 1) await traffic.progress(BETWEEN);
      await Promise.all(names.map((name) => system.stack.start(name)));
      await traffic.progress(BETWEEN);
    }
    await traffic.check(t);
    t.same(
      traffic.devices.map(({ resyncs }) => resyncs),
      traffic.devices.map(() => 0),
      'no queue was lost',
    );
  });
}

t.test('an erasure ends right, whatever kill -9 takes meanwhile', async (t) => {
  for (const round of numbers(1, ROUNDS)) {
    const [ann, bob, cat] = await system.people(3);
    const conversations: string[] = [];
    for (const _ of numbers(1, CONVERSATIONS)) {
      const id = await system.conversation([ann, bob, cat]);
      const body = { client_msg_id: newId<string>(), content: 'a text of ann' };
      const path = `/api/v1/conversations/${id}/messages`;
      await system.rest('POST', path, { token: ann.token, body });
      conversations.push(id);
    }
    const { body } = await askAsService(system, `DELETE /users/${ann.id}`);
    // The round decides what dies: the routers, one of which has the job, or stores, or both.
    const names = [
      ['router-1', 'router-2'],
      ['store-1', 'store-2'],
      ['router-2', 'store-1'],
    ];
    const victims = names[round % names.length] ?? [];
    for (const name of victims) system.stack.kill(name);
    await Promise.all(victims.map((name) => system.stack.start(name)));
    await until('the job is done', async () => {
      const { body: job } = await askAsService(system, `GET /jobs/${body.job_id}`);
      return job.state === 'done';
    });
    t.same(await placesWith(system, ann.id), []);
    for (const id of conversations) {
      const shown = await system.history(bob, id);
      t.same(shown[0]?.sender_id, NOBODY);
      t.equal(shown.length, 3, 'the group was left once, and has another admin');
    }
  }
});

t.test('a rolling restart of every service loses nothing and is never slow', async (t) => {
  const traffic = await startTraffic(system, [1, 2]);
  for (const name of ['store', 'router', 'edge'].flatMap((kind) => [`${kind}-1`, `${kind}-2`])) {
    await system.stack.stopProcess(name);
    await system.stack.start(name);
    await traffic.progress(BETWEEN);
  }
  await traffic.check(t);
  t.ok(traffic.devices.every(({ resyncs }) => resyncs === 0));
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});

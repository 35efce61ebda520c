import t, { type Test } from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { shiftClocks } from './clocks/shift-clocks.ts';
import type { Client } from './stage/client.ts';
import { seqsOf } from './stage/numbers.ts';
import { type Person, setStack } from './stage/stack.ts';

/**
 * The clocks of hosts differ by seconds, and one that NTP sets jumps. Only what the system shows
 * may depend on them.
 */
const clocks = shiftClocks(t, {
  ...{ 'edge-1': 4_000, 'edge-2': -10_000, 'router-1': 6_000, 'router-2': -10_000 },
  ...{ 'store-1': 8_000, profiles: -20_000 },
});
const system = await setStack(t, { edges: 2, routers: 2, stores: 1, env: clocks.env });

const EDGES = [1, 2] as const;
const REPLACED = 4505;
/** A socket that has sent no `auth` after 5 s is closed, and one that is silent for 30 s. */
const STOP_MS = isSoak ? 35_000 : 5_500;

const shownAt = ({ received }: Client): number => Date.parse(received[0]?.server_time as string);

t.test('services whose clocks differ by 18 s serve each other', async (t) => {
  for (const edge of EDGES) {
    const [ann, ...others] = await system.people(9);
    const client = await system.connectNew(ann, { edge });
    const conversations = await Promise.all(
      others.map((other) => system.conversation([ann, other as Person])),
    );
    const answers = await Promise.all(conversations.map((id) => client.post(id, 'hello')));
    t.same(new Set(answers.map(({ type }) => type)), new Set(['reply']));
    await client.messages(8);
    const [conversation] = conversations as [string];
    const asked = [
      { type: 'history', conversation_id: conversation },
      { type: 'conversations' },
      { type: 'read', conversation_id: conversation, seq: 1 },
      { type: 'typing', conversation_id: conversation, is_typing: true },
      { type: 'presence_watch', user_ids: [others[0]?.id] },
    ];
    for (const frame of asked) t.match(await client.ask(frame), { type: 'reply' }, frame.type);
    t.match(await system.rest('GET', '/api/v1/conversations', { token: ann.token, edge }), {
      status: 200,
    });
  }
});

t.test('of two sessions of a device the newer one stays, whatever clocks say', async (t) => {
  const people = await system.people(4);
  await Promise.all(
    people.map(async (person) => {
      let before = await system.connectNew(person, { edge: 1 });
      for (const edge of [2, 1, 1, 2, 2, 1]) {
        const newer = await system.connect(person, { edge });
        t.match(await before.closed, { code: REPLACED });
        await newer.settled();
        t.ok(newer.isOpen, `the session on edge ${edge} stays`);
        before = newer;
      }
    }),
  );
  const one = await system.connect(people[0], { edge: 1 });
  const other = await system.connect(people[0], { edge: 2 });
  t.ok(shownAt(one) - shownAt(other) > 10_000, 'the clocks of the edges do differ');
});

t.test('a clock that jumps ahead, or a stop of the edge, closes no socket', async (t) => {
  const [ann, bob, carl] = await system.people(3);
  const conversation = await system.conversation([ann, bob]);
  const idle = await system.connectNew(carl, { edge: 1 });
  const silent = await system.connectNew(ann, { edge: 2, isAlive: false });
  const late = await system.socket({}, { edge: 2 });
  await silent.settled();
  await clocks.stop(system, 'edge-2', STOP_MS);
  late.send({ type: 'auth', token: bob.token, device_id: 'phone' });
  silent.send({ type: 'ping' });
  await jump(35_000);
  await serves(t, 35_000);
  await late.next('auth_ok', 2 * STOP_MS);
  await silent.settled();
  t.match(await late.post(conversation, 'hello'), { type: 'reply' });
  t.same(seqsOf(await silent.messages(1)), [1]);
  t.ok(idle.isOpen, 'the edge has looked at its sockets by the clock that jumped');
  await idle.settled();
});

t.test('a clock that is set back makes nobody wait', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const sender = await system.connectNew(ann, { edge: 1 });
  const post = async (content: string): Promise<void> => {
    t.match(await sender.post(conversation, content), { type: 'reply' }, content);
  };
  for (const ms of [0, -20_000, -55_000]) {
    await post('before');
    await jump(ms);
    await post('behind');
    await serves(t, ms);
  }
  await sender.messages(6);
});

/** Sets the clocks of edge-1 and of all whom it asks. */
async function jump(ms: number): Promise<void> {
  const names = ['edge-1', 'router-1', 'router-2', 'store-1', 'profiles'];
  await Promise.all(names.map((name) => clocks.set(system, name, ms)));
}

/** A client comes to edge-1, whose clock is ahead by so much, and is served at once. */
async function serves(t: Test, aheadMs: number): Promise<void> {
  const person = await system.person();
  const client = await system.connectNew(person, { edge: 1 });
  const error = shownAt(client) - Date.now() - aheadMs;
  t.ok(Math.abs(error) < 5_000, 'the edge shows the time of its clock');
  t.match(await client.ask({ type: 'conversations' }), { type: 'reply' });
  const { status } = await system.rest('GET', '/api/v1/conversations', { token: person.token });
  t.equal(status, 200);
}

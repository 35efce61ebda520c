import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { isAlive, type ProcessSpec, untilReady } from '../dev/processes/child.ts';
import { instancesOf, SERVICE_NAMES, SERVICES, type ServiceName } from '../dev/stack/services.ts';
import { startStopwatch } from '../dev/testing/stopwatch.ts';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import type { Client, Closed, Frame } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/**
 * The drain is short, so that the test sees the edge close clients that do not leave by themselves.
 * It is long enough for a busy machine to take the steps of the test meanwhile.
 */
const DRAIN_MS = 5_000;
/** The client that leaves has all its messages this soon; `ack_wait` would be 10 s. */
const BACK_MS = 3_000;
const COUNTS = { edges: 3, routers: 1, stores: 1, pushes: 1 };
const system = await setStack(t, {
  ...COUNTS,
  env: { edge: { DRAIN_MS: String(DRAIN_MS), DRAIN_RECONNECT_MS: '1500' } },
});
const CODES = {
  goingAway: 4000,
  serverError: 4001,
  slowReader: 4008,
  noHeartbeat: 4012,
  noAck: 4013,
};
const S = 1_000;
/** A busy machine may take so long to start several services. */
const READY_MS = 45 * S;

async function scene(edge = 1) {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  return { ann, bob, conversation, writer: await system.connectNew(ann, { edge }) };
}

async function timed(client: Client) {
  const startedAt = Date.now();
  const { code } = await client.closed;
  return { code, tookMs: Date.now() - startedAt };
}

// The test begins these sessions here and awaits their ends at the bottom of the file, because that
// takes up to a minute.
const silent = scene(2).then(async ({ bob, writer }) => {
  await writer.ask({ type: 'presence_watch', user_ids: [bob.id] });
  const client = await system.connectNew(bob, { isAlive: false });
  client.send({ type: 'ping' });
  const startedAt = Date.now();
  const watch = startStopwatch();
  const isGone = ({ type, status }: Frame) => type === 'presence' && status === 'offline';
  const gone = writer.next(isGone, 35 * S).then(() => ({
    goneMs: Date.now() - startedAt,
    countedMs: watch.stop(),
  }));
  return { ...(await timed(client)), ...(await gone) };
});
const unacknowledging = isSoak
  ? scene().then(async ({ bob, writer, conversation }) => {
      const client = await system.connectNew(bob, { isAcking: false });
      await writer.post(conversation, 'never acknowledged');
      await client.messages(1);
      return timed(client);
    })
  : undefined;

let readOn: Promise<Closed> | undefined;

t.test('a reader that is too slow is closed 4008, and its queue stays complete', async (t) => {
  const { ann, bob, writer, conversation } = await scene();
  for (const n of numbers(1, 9)) await writer.post(conversation, `${n}${'🙂'.repeat(7_990)}`);
  const slow = await system.connectNew(bob, { isAcking: false });
  slow.pause();
  await writer.post(conversation, 'unread');
  for (const n of numbers(1, 90)) {
    slow.send({ type: 'history', id: n, conversation_id: conversation });
  }
  const other = await system.connectNew(bob, { device: 'tablet' });
  const pages = await Promise.all(
    numbers(1, 3).map(() => other.ask({ type: 'history', conversation_id: conversation })),
  );
  t.ok(
    pages.every(({ type }) => type === 'reply'),
    'other sessions are served meanwhile',
  );
  await until('the slow socket is closed', async () => {
    // The edge may have answered some requests by an error, which is small.
    slow.send({ type: 'history', id: 'more', conversation_id: conversation });
    return /code="4008".* [1-9]/.test(await metrics('edge-1'));
  });
  // uWebSockets gives a closed socket 16 s to take its close frame, and the library has no setting
  // for that. The test waits longer than the 4 s that it once gave.
  readOn = delay(9 * S).then(() => {
    slow.resume();
    return slow.closed;
  });
  const back = await system.connect(bob);
  t.equal(back.received[0]?.resumed, true);
  t.match(await back.messages(1), [{ content: 'unread' }]);
  t.equal((await system.history(ann, conversation)).length, 10);
});

t.test('on SIGTERM an edge tells all going_away, waits, closes 4000 and exits 0', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const stays = await system.connectNew(ann, { edge: 3, isAcking: false });
  const leaves = await system.connectNew(bob, { edge: 3, isAcking: false });
  const writer = await system.connectNew(bob, { device: 'other', edge: 1 });
  await writer.post(conversation, 'unacknowledged');
  await Promise.all([stays.messages(1), leaves.messages(1)]);
  const edge = system.stack.processes.find(({ name }) => name === 'edge-3');
  const startedAt = Date.now();
  const watch = startStopwatch();
  system.stack.kill('edge-3', 'SIGTERM');
  for (const client of [stays, leaves]) {
    const { reconnect_after_ms } = await client.next('going_away');
    t.ok(Number(reconnect_after_ms) >= 0 && Number(reconnect_after_ms) <= 1_500);
  }
  await t.rejects(system.socket({}, { edge: 3 }), 'no new socket');
  t.match(await stays.post(conversation, 'while it drains'), { data: { seq: 2 } });
  await leaves.close();
  const back = await system.connect(bob, { edge: 2 });
  t.equal(back.received[0]?.resumed, true);
  t.same(seqsOf(await back.messages(2)), [1, 2], 'the unacknowledged message comes first, at once');
  t.ok(watch.stop() < BACK_MS);
  t.ok(stays.isOpen, 'the edge still drains');
  t.match(await stays.closed, { code: CODES.goingAway });
  t.ok(Date.now() - startedAt >= DRAIN_MS - 500);
  const again = await system.connect(ann, { edge: 1 });
  t.same(seqsOf(await again.messages(2)), [1, 2]);
  await until('the edge has ended', () => edge !== undefined && !isAlive(edge));
  await system.stack.start('edge-3');
  await system.connect(ann, { edge: 3 });
});

t.test('every service exits 0 on SIGTERM', async (t) => {
  const exits = async (service: ServiceName): Promise<void> => {
    // The other edges hold sessions that later tests await.
    const name = instancesOf(service, COUNTS).at(-1) as string;
    await system.stack.stopProcess(name);
    const spec = system.stack.processes.find((process) => process.name === name) as ProcessSpec;
    const child = spawn(spec.command, spec.args, { env: spec.env, stdio: 'ignore' });
    const exited = once(child, 'exit');
    try {
      await untilReady({ ...spec, pid: child.pid as number, startedAt: '' }, READY_MS);
      child.kill('SIGTERM');
      t.same(await exited, [0, null], name);
    } finally {
      child.kill('SIGKILL');
    }
    await system.stack.start(name);
  };
  // The services of a rank do not need each other.
  const ranks = new Set(SERVICE_NAMES.map((service) => SERVICES[service].startRank));
  for (const rank of ranks) {
    const services = SERVICE_NAMES.filter((service) => SERVICES[service].startRank === rank);
    await Promise.all(services.map(exits));
  }
  await system.connect(await system.person());
});

async function metrics(name: string): Promise<string> {
  const port = system.stack.processes.find((process) => process.name === name)?.admin_port;
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

t.test('a session whose device queue cannot be made is closed 4001', async (t) => {
  const bob = await system.person();
  const before = await system.connectNew(bob);
  await before.close();
  system.stack.kill('router-1');
  const client = await system.socket({ authorization: `Bearer ${bob.token}` });
  t.match(await client.closed, { code: CODES.serverError });
  await system.stack.start('router-1');
  await until('sessions open again', async () => {
    const again = await system.socket({ authorization: `Bearer ${bob.token}` });
    again.send({ type: 'ping', id: 1 });
    const isOpen = await Promise.race([again.next('auth_ok'), again.closed]);
    return 'type' in isOpen;
  });
});

t.test('a client silent for 30 s is offline and closed 4012, a talking one is not', async (t) => {
  const alive = await system.connectNew(await system.person(), { isAlive: false });
  const talking = setInterval(() => alive.send({ type: 'ack', q: 0 }), 14 * S);
  t.teardown(() => clearInterval(talking));
  const { code, tookMs, goneMs, countedMs } = await silent;
  t.equal(code, CODES.noHeartbeat);
  t.ok(goneMs > 28 * S && countedMs < 30.5 * S, `${goneMs} ms`);
  t.ok(tookMs > 29 * S && tookMs < 33 * S, `${tookMs} ms`);
  await alive.settled();
});

t.test('a slow reader that reads on 9 s later sees why it was closed', async (t) => {
  t.match(await readOn, { code: CODES.slowReader });
});

if (unacknowledging !== undefined) {
  t.test('a client that acknowledges nothing for 60 s is closed 4013', async (t) => {
    const { code, tookMs } = await unacknowledging;
    t.equal(code, CODES.noAck);
    t.ok(tookMs > 58 * S && tookMs < 64 * S, `${tookMs} ms`);
  });
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});

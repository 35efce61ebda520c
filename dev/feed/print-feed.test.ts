import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { NatsConnection } from 'nats';
import t, { type Test } from 'tap';
import { setUpStreams } from '../../services/router/streams/stream-setup.ts';
import type { FeedBatch, FeedEvent } from '../../shared/contracts/feed.ts';
import { streams, subjects } from '../../shared/contracts/subjects.ts';
import { feedBatch, feedEvent } from '../../shared/feed/stage/feed-batches.ts';
import { connectNats } from '../../shared/nats/nats-connection.ts';
import { ownIdentity } from '../processes/child.ts';
import { programArgs } from '../processes/program.ts';
import { type LaunchRecord, writeStackFile } from '../stack/stack-file.ts';
import { startNats } from '../testing/test-servers.ts';
import { until } from '../testing/until.ts';
import { printFeed } from './print-feed.ts';

const MIB = 1024 ** 2;
const nats = await startNats();
const connections: NatsConnection[] = [];
const setup = await connectAs('setup');
const router = await connectAs('router');
await setUpStreams(setup, {
  ...{ shards: 1, replicas: 1, queueBytesMax: 8 * MIB },
  ...{ eventsBytesMax: MIB, feedConsumers: [] },
});
const jsm = await setup.jetstreamManager();
const folder = mkdtempSync(join(tmpdir(), 'kaha-events-'));

t.teardown(async () => {
  await Promise.all(connections.map((nc) => nc.close()));
  await nats.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function connectAs(natsUser: string): Promise<NatsConnection> {
  const nkeySeed = nats.seeds[natsUser] as string;
  const nc = await connectNats({ url: nats.url, nkeySeed, natsUser, instance: natsUser });
  connections.push(nc);
  return nc;
}

/** Tells whether NATS answers all of them. */
async function areConnected(...all: NatsConnection[]): Promise<boolean> {
  const answers = await Promise.allSettled(all.map((nc) => nc.flush()));
  return answers.every(({ status }) => status === 'fulfilled');
}

async function publish(batch: FeedBatch): Promise<FeedEvent[]> {
  await router.jetstream().publish(subjects.events('router-1'), JSON.stringify(batch));
  return batch.events;
}

const watchers = async (): Promise<string[]> =>
  (await jsm.consumers.list(streams.events).next()).map(({ name }) => name);

/** Watches the feed. `paused` lets it write no more until the test says so. */
async function watch(t: Test) {
  const ending = new AbortController();
  const said: string[] = [];
  const watching = { text: '', isPaused: false, resume: (): void => undefined };
  const out = new Writable({
    highWaterMark: 1,
    write(chunk, _, written) {
      watching.text += chunk;
      if (watching.isPaused) watching.resume = () => written();
      else written();
    },
  });
  const before = (await watchers()).length;
  const nc = await connectAs('setup');
  const say = (text: string): void => void said.push(text);
  const printing = printFeed({ nc, out, say, signal: ending.signal });
  await until('a durable of its own', async () => (await watchers()).length > before);
  const end = async (): Promise<void> => {
    ending.abort();
    watching.resume();
    await printing;
  };
  t.teardown(end);
  return { watching, said, end, ids: () => idsIn(watching.text) };
}

function idsIn(text: string): string[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as FeedEvent).event_id);
}

const idsOf = (events: readonly FeedEvent[]): string[] => events.map(({ event_id }) => event_id);
const has = (ids: readonly string[], wanted: readonly FeedEvent[]): boolean =>
  idsOf(wanted).every((id) => ids.includes(id));

t.test('several watchers print each event as one line, and leave no durable', async (t) => {
  const one = await watch(t);
  const two = await watch(t);
  const first = await publish(feedBatch([feedEvent(), feedEvent()]));
  const second = await publish(feedBatch([feedEvent()]));
  await until('the events', () => has(one.ids(), second) && has(two.ids(), second));
  t.same(one.ids(), idsOf([...first, ...second]));
  t.same(JSON.parse(one.watching.text.split('\n')[0] as string), first[0]);
  t.same(two.ids(), one.ids());
  t.equal((await jsm.consumers.list(streams.events).next()).length, 2);
  await Promise.all([one.end(), two.end()]);
  t.same(await watchers(), []);
  t.same(one.said, []);
});

t.test('a watcher goes on where it was after a restart of NATS', async (t) => {
  const watcher = await watch(t);
  const before = await publish(feedBatch([feedEvent()]));
  await until('the events', () => has(watcher.ids(), before));
  await nats.kill();
  await until('the watcher says so', () => watcher.said.some((text) => text.includes('is lost')));
  await nats.restart();
  await until('the watcher says so', () => watcher.said.some((text) => text.includes('again')));
  await until('NATS', () => areConnected(setup, router));
  const after = await publish(feedBatch([feedEvent()]));
  await until('the events', () => has(watcher.ids(), after));
  t.equal(watcher.said.length, 2, 'no gap is told');
  await watcher.end();
});

t.test('a watcher that EVENTS overtakes tells of the gap', async (t) => {
  const watcher = await watch(t);
  watcher.watching.isPaused = true;
  for (let index = 0; index < 30; index += 1) {
    await publish(feedBatch(Array.from({ length: 200 }, () => feedEvent())));
  }
  watcher.watching.isPaused = false;
  watcher.watching.resume();
  const last = await publish(feedBatch([feedEvent()]));
  await until('the events', () => has(watcher.ids(), last));
  t.match(watcher.said, [/^Gap: events are missing before batch \d+\.$/]);
  t.ok(watcher.ids().length < 6_001);
  await watcher.end();
});

t.test('a watcher whose durable is lost says so, and goes on', async (t) => {
  const watcher = await watch(t);
  const [name] = await watchers();
  await jsm.consumers.delete(streams.events, name as string);
  await until('the watcher says so', () => watcher.said.some((text) => text.includes('forgotten')));
  const events = await publish(feedBatch([feedEvent()]));
  await until('the events', () => has(watcher.ids(), events));
  await watcher.end();
  t.same(await watchers(), []);
});

/** Makes what the command needs of a stack in the folder, and finds itself there. */
function layOutStack(): void {
  for (const name of ['dev', 'shared', 'node_modules', 'package.json']) {
    symlinkSync(join(process.cwd(), name), join(folder, name));
  }
  mkdirSync(join(folder, '.data', 'nats'), { recursive: true });
  writeFileSync(join(folder, '.data', 'nats', 'setup.seed'), nats.seeds.setup as string);
}

function announceStack(): void {
  const me = { ...ownIdentity(), name: 'nats', service: 'nats', log: 'nats.log' };
  const unused = { command: '', args: [], env: {}, ready: { port: 0 } };
  const record: LaunchRecord = {
    ...{ processes: [{ ...me, ...unused }], composed: [], starter: ownIdentity() },
    urls: { edges: [], nats: nats.url, database: '', redis: '', kaha: '' },
  };
  writeStackFile(join(folder, '.run'), record);
}

type Command = { child: ChildProcess; said: { out: string; err: string }; ended: Promise<unknown> };

function runCommand(t: Test, ...args: string[]): Command {
  const options = { cwd: folder, env: {} };
  const child = spawn(process.execPath, [...programArgs('dev/events-main.ts'), ...args], options);
  t.teardown(() => child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.err += chunk;
  });
  return { child, said, ended: once(child, 'close') };
}

t.test('the command says that no stack runs, and what it does', async (t) => {
  layOutStack();
  const lone = runCommand(t);
  t.same(await lone.ended, [1, null]);
  t.same(lone.said, { out: '', err: 'No stack runs here; "npm run up" starts one.\n' });
  const asked = runCommand(t, '--help');
  t.same(await asked.ended, [0, null]);
  t.match(asked.said.out, /npm run -s events/);
});

for (const [how, end] of [
  ['is told to end', ({ child }: Command) => void child.kill('SIGTERM')],
  ['is interrupted', ({ child }: Command) => void child.kill('SIGINT')],
  ['loses its reader', ({ child }: Command) => void child.stdout?.destroy()],
] as const) {
  t.test(`the command ends with status 0 and without a durable when it ${how}`, async (t) => {
    announceStack();
    const command = runCommand(t);
    await until('a durable', async () => (await watchers()).length === 1);
    const events = await publish(feedBatch([feedEvent()]));
    await until('the events', () => has(idsIn(command.said.out), events));
    end(command);
    // A writer learns that its reader has gone when it writes next.
    await publish(feedBatch([feedEvent()]));
    t.same(await command.ended, [0, null]);
    t.same(idsIn(command.said.out).slice(0, 1), idsOf(events));
    t.equal(command.said.err, '');
    t.same(await watchers(), []);
  });
}

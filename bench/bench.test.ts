import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { programArgs } from '../dev/processes/program.ts';
import { until } from '../dev/testing/until.ts';
import type { Report } from './report/report.ts';
import { type FakeStack, type Faults, startFakeStack } from './stage/fake-stack.ts';

const SHORT = '--connections 60 --rate 100 --duration 1 --warmup 0 --settle 1 --connect-rate 500';

const dir = mkdtempSync(join(tmpdir(), 'kaha-bench-'));
t.teardown(() => rmSync(dir, { recursive: true }));

type Ended = { status: number | null; report: Report; output: string };
type Begun = { ended: Promise<Ended>; interrupt(): void };

t.setTimeout(120_000);
// The runs go side by side, because each of them mostly waits.
t.jobs = 4;

let runs = 0;

function begin(stack: FakeStack, line: string): Begun {
  runs += 1;
  const json = join(dir, `${runs}.json`);
  const target = ['--edges', stack.url, '--kaha', stack.url, '--json', json];
  const args = [...programArgs('bench/main.ts'), ...target, ...line.split(' ')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status) => {
      const report = status === 0 || status === 1 ? JSON.parse(readFileSync(json, 'utf8')) : {};
      resolve({ status, report, output });
    });
  });
  return { ended, interrupt: () => void child.kill('SIGINT') };
}

async function run(faults: Partial<Faults>, line = SHORT): Promise<Ended> {
  const stack = await startFakeStack(faults);
  try {
    return await begin(stack, line).ended;
  } finally {
    stack.close();
  }
}

t.test('a run in which all is well passes with each way to authenticate', async (t) => {
  for (const more of ['', ' --auth subprotocol --processes 2', ' --auth frame --group-size 5']) {
    const { status, report, output } = await run({}, SHORT + more);
    t.equal(status, 0, output);
    t.match(report.connections, { wanted: 60, ready: 60, ms: { count: 60 } });
    t.match(report.messages, { offered: 100, acknowledged: 100, missing: 0, repeatedToQueue: 0 });
    t.equal(report.messages.expected, report.messages.received);
    t.equal(report.latency.ackMs.count, 100);
    t.match(output, /PASSED/);
  }
});

t.test('all devices of each person get everything', async (t) => {
  const { status, report } = await run({}, `${SHORT} --devices 3 --ack-interval-ms 50`);
  t.equal(status, 0);
  t.match(report.messages, { expected: 600, received: 600 });
  t.ok(report.frames.acks > 0);
});

t.test(
  'devices that connected once are away, and nobody misses what they do not get',
  async (t) => {
    for (const auth of ['header', 'frame']) {
      const line = `${SHORT} --devices 2 --away 2 --processes 2 --auth ${auth}`;
      const { status, report, output } = await run({}, line);
      t.equal(status, 0, output);
      t.match(report.away, { wanted: 60, away: 60, queuesMade: 60, endings: {} });
      t.match(report.connections, { wanted: 60, ready: 60, resumed: 0 });
      t.match(report.messages, { expected: 400, received: 400, missing: 0 });
      t.match(output, /60 of 60 devices, 60 with a new queue/);
    }
  },
);

t.test('a device that is to be away tries again after a refusal', async (t) => {
  const { status, report } = await run({ refusedUpgrades: 25 }, `${SHORT} --idle --away 1`);
  t.equal(status, 0);
  t.match(report.away, { wanted: 60, away: 60, endings: { 'http 503': 25 } });
});

t.test('a lost delivery is found', async (t) => {
  const { status, report } = await run({ loseEvery: 20 });
  t.equal(status, 1);
  t.match(report.messages, { expected: 200, received: 190, missing: 10 });
  t.same(report.problems, ['10 deliveries missing']);
});

t.test('an event that a queue repeats is counted but is no problem', async (t) => {
  const { status, report } = await run({ repeatEvery: 20 });
  t.equal(status, 0);
  t.match(report.messages, { received: 200, repeatedToQueue: 10, repeatedToEye: 0 });
});

t.test('events in the wrong order are found', async (t) => {
  const { status, report } = await run({ swapEvery: 20 });
  t.equal(status, 1);
  t.ok(report.messages.outOfOrder > 0);
});

t.test('refused sends are counted by code and owe no delivery', async (t) => {
  const { status, report } = await run({ refuseEvery: 10 });
  t.equal(status, 0);
  t.match(report.messages, { acknowledged: 90, failed: { RATE_LIMITED: 10 }, expected: 180 });
});

t.test('a connection that is refused by 503 tries again when told', async (t) => {
  const { status, report } = await run({ refusedUpgrades: 25 });
  t.equal(status, 0);
  t.match(report.connections, { ready: 60, endings: { 'http 503': 25 } });
});

t.test('connections that are cut come back', async (t) => {
  const stack = await startFakeStack();
  const line = `${SHORT.replace('duration 1', 'duration 3')} --reconnect-window 0.2`;
  const { ended } = begin(stack, line);
  await until('all sockets are open', () => stack.sockets() === 60);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  stack.cutAll();
  const { report } = await ended;
  stack.close();
  // A socket that is cut while it has unread bytes ends with a reset.
  const { ready, endings } = report.connections;
  const cut = Object.values(endings).reduce((sum, count) => sum + count, 0);
  t.same([ready, cut], [60, 60]);
  t.equal(report.recovery?.lost, 60);
  t.equal(report.recovery?.ms.count, 60);
  t.equal(report.messages.unanswered, 0);
});

t.test('an idle run holds the connections and sends nothing', async (t) => {
  const { status, report, output } = await run(
    {},
    '--idle --connections 40 --duration 1 --warmup 0',
  );
  t.equal(status, 0);
  t.equal(report.messages.offered, 0);
  t.match(output, /40 of 40 ready/);
});

t.test('the cost of connections is reported for idle runs, and for runs that hold', async (t) => {
  const idle = await run({}, SHORT.replace('rate 100', 'rate 0'));
  t.equal(idle.status, 0);
  t.match(idle.report, { messages: { offered: 0 }, usage: { messages: 0 } });
  t.match(idle.output, /µs \/ s \/ connection/);
  const held = await run({}, `${SHORT} --hold 1`);
  t.equal(held.status, 0);
  const [generator] = held.report.usage.processes;
  t.type(generator?.heldPercent, 'number');
  t.type(generator?.cpuSPer1000BeyondHeld, 'number');
  t.match(held.output, /held, % of a core/);
});

t.test('Ctrl-C closes everything and sets the exit status', async (t) => {
  const stack = await startFakeStack();
  const { ended, interrupt } = begin(stack, SHORT.replace('duration 1', 'duration 60'));
  await until('all sockets are open', () => stack.sockets() === 60);
  interrupt();
  t.equal((await ended).status, 130);
  await until('all sockets are closed', () => stack.sockets() === 0);
  stack.close();
});

t.test('a run that cannot be carried out says why and ends with status 2', async (t) => {
  const stack = await startFakeStack();
  const { status, output } = await begin(stack, '--connections 0').ended;
  t.equal(status, 2);
  t.match(output, /--connections must be/);
  stack.close();
});

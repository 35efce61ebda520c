import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { freePorts, isFree } from '../../dev/processes/ports.ts';
import { until } from '../../dev/testing/until.ts';
import { summarizeCosts } from './cost-summary.ts';
import { nodeSamples } from './node-profile.ts';
import { profileNode } from './node-profiler.ts';

const BUSY = `
  function burn() {
    let sum = 1;
    for (let n = 0; n < 2e7; n += 1) sum = Math.imul(sum, 31) + n;
    return sum;
  }
  setInterval(burn, 40);
  process.stdout.write('up');`;

/** Starts a Node program with a port of its own for its inspector. */
async function startBusy(t: Test): Promise<{ child: ChildProcess; pid: number; port: number }> {
  const [port] = (await freePorts(1)) as [number];
  const child = spawn(process.execPath, [`--inspect-port=${port}`, '-e', BUSY], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return { child, pid: child.pid as number, port };
}

t.test('a program that runs is profiled, runs on, and can be profiled again', async (t) => {
  const { child, pid, port } = await startBusy(t);
  const seen: boolean[] = [];
  for (let times = 0; times < 3; times += 1) {
    const profile = await profileNode(pid, { seconds: 1, port });
    const { functions } = summarizeCosts(nodeSamples(profile));
    seen.push(functions.some(({ what }) => what.startsWith('burn')));
    t.ok(await isFree(port), 'the inspector is closed');
  }
  // V8 may not know a function that it optimizes just as a profile begins.
  t.ok(seen.filter(Boolean).length >= 2, 'the profiles show the function that is busy');
  t.equal(child.exitCode, null);
});

t.test('another program than Node gets no signal, for it would end', async (t) => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  await t.rejects(profileNode(child.pid as number, { seconds: 1 }), /does not run this Node/);
  t.equal(child.signalCode, null);
});

t.test('nothing is profiled while another debugger has the port', async (t) => {
  const { pid, port } = await startBusy(t);
  const other = await startBusy(t);
  process.kill(other.pid, 'SIGUSR1');
  await until('the other debugger has the port', async () => !(await isFree(other.port)));
  await t.rejects(profileNode(pid, { seconds: 1, port: other.port }), /another debugger/);
  t.ok(await isFree(port));
});

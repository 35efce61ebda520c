import { type ChildProcess, spawn } from 'node:child_process';
import t from 'tap';
import { parseMemory, parseStat, readUsage } from './process-usage.ts';

t.test('a stat line is read whatever the program is called', async (t) => {
  const line = '42 (a) b (c)) S 7 42 42 0 -1 4194560 100 200 3 4 150 50 20 30 20 0 11 0 437189 1';
  t.same(parseStat(line), { pid: 42, parent: 7, cpuS: 2.5 });
});

t.test('the resident and the proportional size are read', async (t) => {
  const text =
    '00400000-7ffe ---p 00000000 [rollup]\nRss:    594088 kB\nPss:   593018 kB\nPss_Dirty: 1 kB\n';
  t.same(parseMemory(text), { rssBytes: 594_088 * 1_024, pssBytes: 593_018 * 1_024 });
});

t.test('the CPU time of a child counts while it runs and after it ended', async (t) => {
  const burn = 'while (process.cpuUsage().user < 300_000);';
  const script = `
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', ${JSON.stringify(burn)}]);
    child.on('exit', () => process.stdout.write('done'));
    process.stdin.resume();`;
  const parent = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => parent.kill('SIGKILL'));
  await firstOutput(parent);
  const named = { name: 'parent', service: 'test', pid: parent.pid ?? 0 };
  const [usage] = readUsage([named], { memory: true });
  t.ok((usage?.cpuS ?? 0) >= 0.25, `${usage?.cpuS} s`);
  t.ok((usage?.rssBytes ?? 0) > 1e7);
  t.ok((usage?.pssBytes ?? 0) <= (usage?.rssBytes ?? 0));
});

t.test('a process that is gone is left out', async (t) => {
  t.same(readUsage([{ name: 'gone', service: 'test', pid: 2 ** 22 + 1 }], { memory: true }), []);
});

function firstOutput(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.stdout?.once('data', () => resolve()));
}

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { until } from '../testing/until.ts';
import { isAlive, launch, type ProcessSpec, sendSignal, stop, untilReady } from './child.ts';
import { freePorts } from './ports.ts';

const SERVER = `
const port = Number(process.env.PORT);
const answer = (_, response) => response.writeHead(Number(process.env.STATUS)).end('not yet');
require('node:http').createServer(answer).listen(port, '127.0.0.1');`;

async function setSpec(t: Test, script = SERVER, status = 200): Promise<ProcessSpec> {
  const dir = mkdtempSync(join(tmpdir(), 'kaha-child-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const [port] = (await freePorts(1)) as [number];
  return {
    ...{ name: 'one', service: 'one', command: process.execPath, args: ['--eval', script] },
    env: { PORT: String(port), STATUS: String(status) },
    log: join(dir, 'one.log'),
    ready: { url: `http://127.0.0.1:${port}/` },
  };
}

t.test('a process is ready once it answers, and gone once it is stopped', async (t) => {
  const running = launch(await setSpec(t));
  await untilReady(running, 10_000);
  t.ok(isAlive(running));
  await stop(running);
  t.notOk(isAlive(running));
});

t.test('a process that is frozen or ignores its signal is stopped too', async (t) => {
  const deaf = launch(await setSpec(t, `process.on('SIGTERM', () => {});${SERVER}`));
  await untilReady(deaf, 10_000);
  sendSignal(deaf, 'SIGSTOP');
  await stop(deaf, 200);
  t.notOk(isAlive(deaf));
});

t.test('the error about a process that ends at once shows its output', async (t) => {
  const spec = await setSpec(t, 'process.stderr.write("no such thing"); process.exit(1)');
  await t.rejects(untilReady(launch(spec), 10_000), { message: /one ended:\s+no such thing/ });
});

t.test('the error about a process that is not ready in time shows its answer', async (t) => {
  const running = launch(await setSpec(t, SERVER, 503));
  t.teardown(() => stop(running));
  await t.rejects(untilReady(running, 1_500), { message: /is not ready .* 503 not yet/ });
});

t.test('waiting for a process ends when it is aborted', async (t) => {
  const running = launch(await setSpec(t, SERVER, 503));
  t.teardown(() => stop(running));
  await t.rejects(untilReady(running, 10_000, AbortSignal.abort(new Error('off'))), /off/);
});

t.test('a pid that now belongs to another process is left alone', async (t) => {
  const spec = await setSpec(t);
  const stranger = { ...spec, pid: process.pid, startedAt: '1' };
  t.notOk(isAlive(stranger));
  sendSignal(stranger, 'SIGKILL');
  await stop(stranger);
});

t.test('a bound process ends with the one that started it, even by kill -9', async (t) => {
  const spec = await setSpec(t);
  const child = JSON.stringify(new URL(`./child${extname(import.meta.url)}`, import.meta.url).href);
  const script = `
    const { launch } = await import(${child});
    process.stdout.write(JSON.stringify(launch(${JSON.stringify(spec)}, { bound: true })) + '\\n');
    setInterval(() => {}, 1_000);`;
  const args = ['--import=tsx', '--input-type=module', '--eval', script];
  const starter = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await new Promise<[string]>((resolve) => {
    createInterface({ input: starter.stdout }).once('line', (text) => resolve([text]));
  });
  const running = JSON.parse(line);
  await untilReady(running, 10_000);
  const name = readFileSync(`/proc/${running.pid}/comm`, 'utf8').trim();
  t.match(name, /node|MainThread/, 'the pid is the process itself');
  starter.kill('SIGKILL');
  await until('the process has ended', () => !isAlive(running));
});

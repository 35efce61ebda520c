import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { findOnPath } from '../dev/programs/find-on-path.ts';
import { startCuttingProxy } from './harm/cutting-proxy.ts';
import { shareStack } from './stage/stack.ts';

const python = findOnPath('python3');
const skip = python === undefined && 'there is no python3 on this machine';
const CODE_LINES_MAX = 60;

const system = await shareStack(t);
const [edge] = system.stack.urls.edges as [string];
const folder = mkdtempSync(join(tmpdir(), 'kaha-client-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** These are the files that the page shows. The first line of each tells its name. */
const page = readFileSync('docs/clients.md', 'utf8');
const files = new Map(
  [...page.matchAll(/^```python\n(# (\w+\.py)[\s\S]*?)^```$/gm)].map(
    ([, text = '', name = '']) => [name, text] as const,
  ),
);
for (const [name, text] of files) writeFileSync(join(folder, name), text);

/** Runs the client of the page. `next` waits for a line that it prints. */
function run(t: Pick<Test, 'teardown'>, args: readonly string[]) {
  const child = spawn(String(python), ['client.py', ...args], { cwd: folder });
  t.teardown(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  const outputs = [createInterface(child.stdout), createInterface(child.stderr)];
  for (const output of outputs) output.on('line', (line) => lines.push(line));
  return {
    lines,
    ended: once(child, 'exit') as Promise<[number]>,
    async next(line: string): Promise<void> {
      while (!lines.includes(line)) {
        await Promise.race(outputs.map((output) => once(output, 'line')));
      }
    },
  };
}

t.test('the client of the page is short and needs no package', async (t) => {
  t.same([...files.keys()], ['client.py', 'websocket.py']);
  const client = files.get('client.py') ?? '';
  t.ok(client.split('\n').filter((line) => line.trim() !== '').length <= CODE_LINES_MAX);
  t.match(client, 'import random, sys, threading, time, uuid\n');
});

t.test('the client sends, and goes on after its connection was cut', { skip }, async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const proxy = await startCuttingProxy(t, [Number(new URL(edge).port)]);
  const other = await system.connectNew(bob);
  const client = run(t, [proxy.url, ann.token, 'python', conversation, 'Hello from Python']);
  await client.next('1 Hello from Python');
  await other.next((frame) => frame.type === 'message' && frame.content === 'Hello from Python');
  await other.post(conversation, 'Hello');
  await client.next('2 Hello');
  proxy.setClosed(true);
  await other.post(conversation, 'Are you there?');
  proxy.setClosed(false);
  await client.next('3 Are you there?');
  await other.post(conversation, 'Good.');
  await client.next('4 Good.');
  t.same(client.lines, ['1 Hello from Python', '2 Hello', '3 Are you there?', '4 Good.']);
});

t.test('what was sent while no server was there arrives later, once', { skip }, async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const proxy = await startCuttingProxy(t, [Number(new URL(edge).port)]);
  proxy.setClosed(true);
  const client = run(t, [proxy.url, ann.token, 'python', conversation, 'Late']);
  const other = await system.connectNew(bob);
  proxy.setClosed(false);
  await other.next((frame) => frame.type === 'message' && frame.content === 'Late');
  await client.next('1 Late');
  proxy.cut();
  await other.post(conversation, 'Once');
  await client.next('2 Once');
  t.same(client.lines, ['1 Late', '2 Once']);
});

t.test('a client that has kept nothing reads what was said before', { skip }, async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const other = await system.connectNew(bob);
  for (const content of ['one', 'two']) await other.post(conversation, content);
  const client = run(t, [edge, ann.token, 'python', conversation]);
  await client.next('2 two');
  t.same([...client.lines].sort(), ['1 one', '2 two']);
});

t.test('the client stops after a code that forbids a reconnect', { skip }, async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const client = run(t, [edge, ann.token, 'python', conversation, 'mine']);
  await client.next('1 mine');
  const newer = run(t, [edge, ann.token, 'python', conversation]);
  t.same((await client.ended)[0], 1);
  await client.next('closed 4505: stop until something changes');
  await newer.next('1 mine');
  const stranger = run(t, [edge, `${ann.token}x`, 'python', conversation]);
  t.same((await stranger.ended)[0], 1);
  await stranger.next('closed 4500: stop until something changes');
});

t.test('a message that is refused is not sent again', { skip }, async (t) => {
  const [ann, bob, eve] = await system.people(3);
  const conversation = await system.conversation([ann, bob]);
  const client = run(t, [edge, eve.token, 'python', conversation, 'let me in']);
  await client.next('refused: NOT_A_PARTICIPANT');
  t.notOk(client.lines.some((line) => line.endsWith('let me in')));
});

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import t from 'tap';
import * as business from '../clients/js/src/business/index.ts';
import * as client from '../clients/js/src/index.ts';
import * as store from '../clients/js/src/store/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'kaha-package-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
await promisify(execFile)(process.execPath, ['clients/js/build.mjs', dir]);

/** Returns how many bytes a page loads, gzipped, for what it imports of the package. */
async function bytesOf(...entries: string[]): Promise<number> {
  const imports = entries.map((entry) => `export * from ${JSON.stringify(join(dir, entry))};`);
  const { outputFiles } = await build({
    stdin: { contents: imports.join('\n'), resolveDir: dir },
    ...{ bundle: true, minify: true, write: false, format: 'esm', target: 'es2022' },
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}

t.test('the core is at most 12 kB, and what is around it little more', async (t) => {
  const core = await bytesOf('index.js');
  const [withStore, withBusiness] = await Promise.all([
    bytesOf('index.js', 'store/index.js'),
    bytesOf('index.js', 'business/index.js'),
  ]);
  t.comment(`core ${core}, store ${withStore - core}, business ${withBusiness - core} bytes`);
  t.ok(core <= 12_000, `the core has ${core} bytes`);
  t.ok(withStore - core <= 4_500, `the store has ${withStore - core} bytes`);
  t.ok(withBusiness - core <= 1_500, `businesses have ${withBusiness - core} bytes`);
});

/** A server in memory takes the one session that the client opens. */
class Server {
  static said: Record<string, unknown>[] = [];
  static say: (frame: object) => void;
  readonly #listeners = new Map<string, (event: object) => void>();

  constructor() {
    Server.say = (frame) => this.#listeners.get('message')?.({ data: JSON.stringify(frame) });
    setImmediate(() => this.#listeners.get('open')?.({}));
  }

  addEventListener(type: string, listener: (event: object) => void): void {
    this.#listeners.set(type, listener);
  }

  send(text: string): void {
    const frame = JSON.parse(text) as Record<string, unknown>;
    Server.said.push(frame);
    if (frame.type === 'auth') Server.say({ type: 'auth_ok', user_id: 'ann', resumed: true });
    if (frame.type === 'message') Server.say({ type: 'reply', id: frame.id, data: { seq: 1 } });
  }

  close(): void {
    this.#listeners.get('close')?.({ code: 1000 });
  }
}

t.test('what was built connects, sends, tells and acknowledges', async (t) => {
  const { ChatClient } = (await import(join(dir, 'index.js'))) as typeof client;
  const { ChatStore } = (await import(join(dir, 'store/index.js'))) as typeof store;
  const options = { url: 'http://here', getToken: () => 'token', userId: 'ann' };
  const chat = new ChatClient({ ...options, WebSocket: Server });
  t.teardown(() => chat.disconnect());
  const list = new ChatStore(chat).messages('c');
  const told: number[] = [];
  chat.on('message', ({ seq }) => told.push(seq));
  await chat.connect();
  const draft = { conversation_id: '33333333-3333-4333-8333-333333333333', content: 'hello' };
  t.match(await chat.send(draft).acknowledged, { seq: 1 });
  const message = { type: 'message', conversation_id: 'c', version: 1, sender_id: 'bob' };
  for (const [seq, q] of [
    [1, 1],
    [1, 2],
    [2, 3],
  ]) {
    Server.say({ ...message, seq, q });
  }
  await new Promise((resolve) => setImmediate(resolve));
  t.same(told, [1, 2]);
  t.same(Server.said.at(-1), { type: 'ack', q: 3 });
  t.equal(list.value.isLoaded, false);
});

t.test('the package offers these and nothing else at run time', async (t) => {
  const built = await Promise.all(
    ['index.js', 'store/index.js', 'business/index.js'].map((entry) => import(join(dir, entry))),
  );
  const expected = [['ChatClient', 'ChatError', 'memoryStorage'], ['ChatStore'], ['Businesses']];
  t.same(
    built.map((entry) => Object.keys(entry).sort()),
    expected,
  );
  t.same(
    [client, store, business].map((entry) => Object.keys(entry).sort()),
    expected,
  );
});

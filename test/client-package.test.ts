import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { createElement } from 'react';
import t from 'tap';
import * as business from '../clients/js/src/business/index.ts';
import * as devices from '../clients/js/src/devices/index.ts';
import * as client from '../clients/js/src/index.ts';
import * as react from '../clients/js/src/react/index.ts';
import { mount } from '../clients/js/src/stage/mount.ts';
import { settled } from '../clients/js/src/stage/virtual-platform.ts';
import * as store from '../clients/js/src/store/index.ts';
import { until } from '../dev/testing/until.ts';
import { installClient } from './stage/installed-client.ts';

const { project, dir } = await installClient(t, 'react');
const dist = join(dir, 'dist');

const ENTRIES = ['', '/store', '/business', '/devices', '/react'].map(
  (entry) => `@kaha/chat-client${entry}`,
);

/** Returns how many bytes a page loads, gzipped, for what it imports of the package. */
async function bytesOf(...entries: (string | undefined)[]): Promise<number> {
  const imports = entries.map((entry) => `export * from '${entry}';`);
  const { outputFiles } = await build({
    stdin: { contents: imports.join('\n'), resolveDir: project },
    ...{ bundle: true, minify: true, write: false, format: 'esm', target: 'es2022' },
    external: ['react'],
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}

t.test('the core is at most 12 kB, and what is around it little more', async (t) => {
  const core = await bytesOf(ENTRIES[0]);
  const around = ENTRIES.slice(1).map(async (entry) => (await bytesOf(ENTRIES[0], entry)) - core);
  const [store = 0, business = 0, own = 0, react = 0] = await Promise.all(around);
  const more = `business ${business}, devices ${own}, react ${react}`;
  t.comment(`core ${core}, store ${store}, ${more} bytes`);
  t.ok(core <= 12_000, `the core has ${core} bytes`);
  t.ok(store <= 4_500, `the store has ${store} bytes`);
  t.ok(business <= 1_500, `businesses have ${business} bytes`);
  t.ok(own <= 800, `devices have ${own} bytes`);
  t.ok(react <= 2_000, `hooks have ${react} bytes`);
});

const ID = '33333333-3333-4333-8333-333333333333';
const BOB = {
  ...{ conversation_id: ID, name: 'Bob', version: 1, last_seq: 2, unread: 2, last_activity: '' },
  participants: [{ user_id: 'ann' }, { user_id: 'bob' }],
};

/** A server in memory takes the one session that the client opens. */
class Server {
  static answers: Record<string, object> = {
    message: { seq: 1 },
    conversations: { conversations: [BOB], next_cursor: null },
    history: {
      messages: [{ message_id: 'm', seq: 2, version: 1, sender_id: 'bob', content: 'hi there' }],
      has_more: true,
      receipts: [],
    },
  };
  static said: Record<string, unknown>[] = [];
  static say: (frame: object) => void;
  readonly #listeners = new Map<string, (event: object) => void>();

  constructor() {
    Server.say = (frame) => this.#listeners.get('message')?.({ data: JSON.stringify(frame) });
    setImmediate(() => {
      this.#listeners.get('open')?.({});
      Server.say({ type: 'auth_ok', user_id: 'ann', resumed: true });
    });
  }

  addEventListener(type: string, listener: (event: object) => void): void {
    this.#listeners.set(type, listener);
  }

  send(text: string): void {
    const frame = JSON.parse(text) as Record<string, unknown>;
    Server.said.push(frame);
    const data = Server.answers[String(frame.type)];
    if (data) Server.say({ type: 'reply', id: frame.id, data });
  }

  close(): void {
    this.#listeners.get('close')?.({ code: 1000 });
  }
}

t.test('what was built connects, sends, tells and acknowledges', async (t) => {
  const { ChatClient } = (await import(join(dist, 'index.js'))) as typeof client;
  const { ChatStore } = (await import(join(dist, 'store/index.js'))) as typeof store;
  const options = { url: 'http://here', getToken: () => 'token', userId: 'ann' };
  const chat = new ChatClient({ ...options, WebSocket: Server });
  t.teardown(() => chat.disconnect());
  const list = new ChatStore(chat).messages('c');
  const told: number[] = [];
  chat.on('message', ({ seq }) => told.push(seq));
  await chat.connect();
  const draft = { conversation_id: ID, content: 'hello' };
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
  const namesOf = (entry: object): string[] => Object.keys(entry).sort();
  const files = ['', 'store/', 'business/', 'devices/', 'react/'].map(
    (folder) => `${folder}index.js`,
  );
  const built = await Promise.all(files.map((file) => import(join(dist, file))));
  t.same(built.map(namesOf), [client, store, business, devices, react].map(namesOf));
  t.same(built.slice(0, 4).map(namesOf), [
    ['ChatClient', 'ChatError', 'memoryStorage'],
    ['ChatStore'],
    ['Businesses'],
    ['Devices'],
  ]);
});

t.test('what the README shows for React runs', async (t) => {
  const readme = readFileSync('clients/js/README.md', 'utf8');
  const sample = /```tsx\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const outfile = join(project, 'sample.mjs');
  await build({
    stdin: { contents: sample, loader: 'tsx', resolveDir: project },
    ...{ bundle: true, packages: 'external', format: 'esm', jsx: 'automatic', outfile },
  });
  const { Chat } = await import(outfile);
  const options = { url: 'http://here', getToken: () => 'token', userId: 'ann', WebSocket: Server };
  const mounted = await mount(() => createElement(Chat, { options }));
  t.teardown(() => mounted.unmount());
  const shows = (text: string): Promise<boolean> =>
    until(text, async () => {
      await mounted.act(() => settled());
      return mounted.text() === text;
    });
  await shows('Bob 2');
  await mounted.press('Bob 2');
  await shows('Bob 2 Older hi there');
});

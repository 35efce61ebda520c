import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { programArgs } from '../../dev/processes/program.ts';
import type { ConversationId, MessageId, UserId } from '../../shared/ids.ts';
import type { ContentKey } from './content/content-keys.ts';
import { readKeysCommand } from './keys/keys-command.ts';
import { runKeys } from './keys/run-keys.ts';
import { writeAsBefore } from './stage/old-texts.ts';
import {
  appendOk,
  contentKeys,
  createTalk,
  letter,
  openStore,
  setStage,
} from './stage/store-stage.ts';

const { store, sql, url } = await setStage(t);
const k2 = { id: 'k2', key: randomBytes(32) };

function start(args: string[], keys: readonly ContentKey[] = [k2, ...contentKeys]): ChildProcess {
  const env = {
    DATABASE_URL: url,
    CONTENT_KEYS: keys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(),
  };
  const program = [...programArgs('services/store/keys-main.ts'), ...args];
  return spawn(process.execPath, program, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function runProgram(args: string[], keys?: readonly ContentKey[]) {
  const child = start(args, keys);
  const [out, err, [status]] = await Promise.all([
    text(child.stdout as NonNullable<typeof child.stdout>),
    text(child.stderr as NonNullable<typeof child.stderr>),
    once(child, 'exit'),
  ]);
  return { out, err, status };
}

/** Does in this process what the program does. */
async function run(args: string[], keys: ContentKey[] = [k2, ...contentKeys]) {
  const command = readKeysCommand(args);
  if (command.kind === 'help') throw new Error(`no command: ${args.join(' ')}`);
  const [out, err]: [string[], string[]] = [[], []];
  const config = { database: { url, poolMax: 5, pooling: 'session' as const }, contentKeys: keys };
  const status = await runKeys(command, config, {
    print: (text) => out.push(text),
    tell: (line) => err.push(line),
  });
  return { status, out: out.join(''), err: err.join('\n') };
}

/** A conversation has as many messages of before, and one of now. */
async function makeTalk(count: number) {
  const { id, alice } = await createTalk(store);
  const texts = Array.from({ length: count + 1 }, (_, n) => `text ${n}`);
  const sent = await appendOk(
    store,
    id,
    texts.map((one) => letter(alice, one)),
  );
  for (const [n, { message_id }] of sent.slice(0, count).entries()) {
    const place = { conversation_id: id, message_id };
    await writeAsBefore(sql, { place, content: texts[n] as string });
  }
  return { id, alice, texts, ids: sent.map(({ message_id }) => message_id as MessageId) };
}

async function readWith(keys: ContentKey[], { id, alice }: { id: ConversationId; alice: UserId }) {
  const reader = openStore(url, { keys });
  const ask = { user_id: alice, conversation_id: id, limit: 100 };
  const { messages } = await reader.operations['messages.history'](ask, 0);
  await reader.close();
  return messages.map(({ content }) => content);
}

t.test('a change of content keys ends with nothing under the old one', async (t) => {
  const talk = await makeTalk(3);
  const registration = { provider: 'fcm' as const, token: 'fcm:a-token-of-a-phone' };
  const device = { user_id: talk.alice, device_id: 'phone', issued_at: Date.now() };
  await store.operations['push.register']({ ...device, registration }, 0);
  const before = await runProgram(['status']);
  t.match(before, { status: 0, err: '' });
  t.match(before.out, /^k1 +1 +3 +0 +1$/m);
  t.match(before.out, /^k2 +0 +0 +0 +0 +current$/m);
  t.match(await run(['rotate']), { status: 0, out: '2 done, 0 left\n' });
  t.match(await run(['reencrypt']), { status: 0, out: '3 done, 0 left\n' });
  const after = await run(['status'], [k2]);
  t.notMatch(after.out, /k1/);
  t.match(after.out, /^\(conversations\) +0 +4 +0 +0$/m);
  t.same(await readWith([k2], talk), talk.texts);
  await sql('truncate messages, content_keys, push_registrations');
});

t.test('a command that is killed is done by the next one', async (t) => {
  const talk = await makeTalk(80);
  const child = start(['reencrypt', '--rows-per-s', '1']);
  await once(child.stderr as NonNullable<typeof child.stderr>, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const all = [...contentKeys, k2];
  t.same(await readWith(all, talk), talk.texts);
  t.match(await run(['reencrypt']), { status: 0 });
  t.match(await run(['rotate']), { status: 0 });
  t.same(await readWith([k2], talk), talk.texts);
  await sql('truncate messages, content_keys');
});

t.test('what cannot be read is told by the status', async (t) => {
  const { ids } = await makeTalk(1);
  await sql(`update messages set key_id = 'lost' where message_id = $1`, ids.slice(0, 1));
  t.match(await run(['reencrypt']), { status: 1, out: '0 done, 1 left\n' });
  t.match((await run(['status'])).out, /^lost +0 +1 +0 +0 +not configured$/m);
  t.match(await run(['rotate'], [k2]), { status: 1, out: '0 done, 1 left\n' });
  await sql('truncate messages, content_keys');
});

t.test('help, and what is no command', async (t) => {
  t.match(await runProgram(['--help']), { status: 0, err: '', out: /two steps/ });
  t.match(await runProgram(['everything']), { status: 1, out: '', err: /two steps/ });
  t.match(await runProgram(['status'], []), { status: 1, out: '', err: /CONTENT_KEYS/ });
});

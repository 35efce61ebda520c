import { join } from 'node:path';
import { Redis } from 'ioredis';
import t from 'tap';
import { filesBelow, findInFiles, formsOf } from '../dev/testing/find-in-files.ts';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import { makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import { setStack } from './stage/stack.ts';

/**
 * The test plays all that brings words of people to the servers, stops everything, and looks for
 * the words in every file that NATS, Postgres and Redis have left.
 */
const system = await setStack(t, { routers: 1, stores: 1, areServersOwn: true });
/** This part of every text of the test is not found anywhere else. */
const MARK = `words-${newId<string>()}`;
let count = 0;
function words(): string {
  count += 1;
  return `${MARK} ${count}`;
}
const tokens: string[] = [];
const folders: Record<'nats' | 'postgres' | 'redis', string> = {
  nats: '',
  postgres: '',
  redis: '',
};

t.test('people write to those who are away, edit, reply, and list their chats', async (t) => {
  const [ann, bob, agent] = await system.people(3);
  tokens.push(ann.token, bob.token, system.stack.serviceToken);
  const conversation = await system.conversation([ann, bob]);
  const [a, away] = [await system.connectNew(ann), await system.connectNew(bob)];
  await away.close();
  const sent = await a.post(conversation, words(), { metadata: { [words()]: words() } });
  const message_id = sent.data?.message_id as string;
  await a.post(conversation, words(), { reply_to: message_id });
  t.match(await a.ask({ type: 'edit', message_id, content: words() }), { type: 'reply' });
  const business = await makeBusiness(system, { managers: [agent] });
  const desk = await system.connectNew(agent);
  await desk.close();
  const talk = await BusinessConversation.open(system, ann, business);
  t.match(await talk.say(ann, words()), { status: 201 });
  t.match(await talk.assign(agent), { status: 200 });
  t.match(await talk.say(ann, words()), { status: 201 });
  await until('all is in queues', async () => {
    const [row] = await system.sql<{ owed: string }>('select count(*) as owed from outbox');
    return row?.owed === '0';
  });
  const redis = new Redis(system.stack.urls.redis);
  await until('the list is kept', async () => {
    const { body } = await system.rest('GET', '/api/v1/conversations', { token: bob.token });
    t.match(body, { conversations: [{ last_message: { content: MARK } }] });
    return (await redis.keys(`*chats:${bob.id}*`)).length > 0;
  });
  // A value that Redis compresses could not be found.
  await redis.config('SET', 'rdbcompression', 'no');
  await redis.save();
  folders.redis = ((await redis.config('GET', 'dir')) as string[])[1] as string;
  redis.disconnect();
  const [row] = await system.sql<{ data_directory: string }>('show data_directory');
  folders.postgres = row?.data_directory as string;
  folders.nats = join(system.places.dataDir, 'nats', 'jetstream');
  t.ok(findInFiles(folders.redis, [Buffer.from(`chats:${bob.id}`)]).length > 0);
  await a.close();
});

t.test('no file holds what they wrote, nor a token', async (t) => {
  for (const { name } of system.stack.processes.toReversed()) await system.stack.stopProcess(name);
  const needles = [...formsOf(MARK), ...tokens.map((token) => Buffer.from(token))];
  for (const [server, folder] of Object.entries(folders)) {
    t.ok(filesBelow(folder).length > 0, `${server} keeps files in ${folder}`);
    t.same(findInFiles(folder, needles), [], server);
  }
  t.ok(
    filesBelow(folders.nats).some((path) => path.endsWith('.blk')),
    'messages are in queues',
  );
});

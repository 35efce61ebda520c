import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { ProfilesGet } from '../../../shared/contracts/profile-ops.ts';
import type { StoreOps } from '../../../shared/contracts/store-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { conversationRecord } from '../stage/conversation-record.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';

const stage = await setStage();
const router = await stage.startRouter();
const edge = await stage.startEdge();
const store = await stage.busOf('store-1');
const profiles = await stage.busOf('profiles-1');
t.teardown(() => stage.close());

const [alice, bina, chandra] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
const withBina = conversationRecord([alice, bina], { type: 'direct' });
const withChandra = conversationRecord([alice, chandra], { type: 'direct' });
const said = { event: 'participant_added', user_id: bina };
const system = {
  message_id: newId<MessageId>(),
  conversation_id: newId<ConversationId>(),
  ...{ seq: 1, sender_id: alice, version: 1, content: 'as stored', message_type: 'system' },
  ...{ metadata: said, sent_at: new Date(0).toISOString() },
};
/** The store of the stage answers after this time. */
let storeMs = 0;
function serveStore(op: keyof StoreOps, answer: unknown): void {
  store.serve({ subject: subjects.store(op), concurrencyMax: 9 }, async () => {
    await delay(storeMs);
    return answer;
  });
}
serveStore('conversations.list', { records: [withBina, withChandra], next_cursor: null });
serveStore('conversations.get', { record: withBina });
const page = { messages: [system], has_more: false, first_seq: 1, receipts: [] };
serveStore('messages.history', page);
await store.nc.flush();
const client = await stage.open(edge, alice);
const list = () => client.ask({ type: 'conversations' });
const namesOf = (frame: Record<string, unknown>) =>
  (frame.data as { conversations: { name: string }[] }).conversations.map(({ name }) => name);

async function serveProfiles(answer: (request: ProfilesGet) => Promise<unknown> | unknown) {
  const subject = subjects.profiles('get');
  const server = profiles.serve({ subject, concurrencyMax: 10 }, (body) =>
    answer(body as ProfilesGet),
  );
  await profiles.nc.flush();
  return server;
}

t.test('a page of conversations gets its names with one request to profiles', async (t) => {
  const asked: ProfilesGet[] = [];
  const server = await serveProfiles((request) => {
    asked.push(request);
    const users = [
      { id: bina, name: 'Bina' },
      { id: chandra, name: 'Chandra' },
    ];
    return { users, businesses: [] };
  });
  t.same(namesOf(await list()), ['Bina', 'Chandra']);
  t.same(asked, [{ user_ids: [alice, bina, chandra] }]);
  await server.drain();
});

t.test('a new conversation is shown to its maker with one request to profiles', async (t) => {
  const asked: ProfilesGet[] = [];
  const server = await serveProfiles((request) => {
    asked.push(request);
    return { users: [{ id: bina, name: 'Bina' }], businesses: [] };
  });
  router.script['conversations.create'] = () => ({ record: withBina, created: true });
  const conversation = { type: 'direct', participant_ids: [bina] };
  const answer = await client.ask({ type: 'create_conversation', conversation });
  t.match(answer, { data: { name: 'Bina', type: 'direct' } });
  t.equal(asked.length, 1);
  await server.drain();
});

t.test(
  'without profiles conversations are shown, and their participants are unknown',
  async (t) => {
    t.same(namesOf(await list()), ['Unknown User', 'Unknown User']);
  },
);

t.test('names are not waited for beyond the 4 s of a request to a slow store', async (t) => {
  const server = await serveProfiles(async () => {
    await delay(800);
    return { users: [{ id: bina, name: 'Bina' }], businesses: [] };
  });
  router.script['conversations.create'] = async () => {
    await delay(3_600);
    return { record: withBina, created: true };
  };
  storeMs = 3_600;
  const { conversation_id } = withBina;
  const authorization = `Bearer ${await tokenOf(alice)}`;
  const path = `api/v1/conversations/${conversation_id}`;
  const url = `http://127.0.0.1:${edge.port}/${path}`;
  const startedAt = Date.now();
  const [listed, history, created, got] = await Promise.all([
    list(),
    client.ask({ type: 'history', conversation_id }),
    client.ask({
      type: 'create_conversation',
      conversation: { type: 'direct', participant_ids: [bina] },
    }),
    fetch(url, { headers: { authorization } }).then((response) => response.json()),
  ]);
  const tookMs = Date.now() - startedAt;
  t.ok(tookMs < 4_250, `the last answer came after ${tookMs} ms`);
  t.same(namesOf(listed), ['Unknown User', 'Unknown User']);
  t.match(history, { data: { messages: [{ content: 'Unknown User added Unknown User' }] } });
  t.match(created, { data: { name: 'Unknown User' } });
  t.match(got, { name: 'Unknown User' });
  storeMs = 0;
  t.equal(namesOf(await list())[0], 'Bina', 'the profiles service was not late');
  await server.drain();
});

t.test('profiles that hang delay conversations by a second, and then by less', async (t) => {
  let release = (): void => undefined;
  const hanging = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await serveProfiles(() => hanging);
  const startedAt = Date.now();
  t.same(namesOf(await list()), ['Unknown User', 'Unknown User']);
  t.ok(Date.now() - startedAt < 1_400);
  const againAt = Date.now();
  t.same(namesOf(await list()), ['Unknown User', 'Unknown User']);
  t.ok(Date.now() - againAt < 700, 'the edge does not wait as long again after a late answer');
  release();
  await server.drain();
});

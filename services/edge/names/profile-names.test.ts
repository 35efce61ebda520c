import t from 'tap';
import type { ProfilesGet } from '../../../shared/contracts/profile-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { conversationRecord } from '../stage/conversation-record.ts';
import { setStage } from '../stage/edge-stage.ts';

const stage = await setStage();
const router = await stage.startRouter();
const edge = await stage.startEdge();
const store = await stage.busOf('store-1');
const profiles = await stage.busOf('profiles-1');
t.teardown(() => stage.close());

const [alice, bina, chandra] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
const withBina = conversationRecord([alice, bina], { type: 'direct' });
const withChandra = conversationRecord([alice, chandra], { type: 'direct' });
store.serve({ subject: subjects.store('conversations.list'), concurrencyMax: 9 }, () => {
  return { records: [withBina, withChandra], next_cursor: null };
});
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

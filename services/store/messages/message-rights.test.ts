import pg from 'pg';
import t from 'tap';
import { type EventId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { writeAsBefore } from '../stage/old-texts.ts';
import { appendOk, createGroup, letter, setStage } from '../stage/store-stage.ts';
import { editMessage } from './edit-message.ts';
import { getMessage } from './find-message.ts';

/** A change of a message and a change of its participants happen one after the other, as wholes. */
const { store, open, sql, url } = await setStage(t);
const { operations } = store;

async function scene() {
  const people = [newId<UserId>(), newId<UserId>(), newId<UserId>()] as const;
  const conversation_id = await createGroup(store, [...people]);
  const [sent] = await appendOk(store, conversation_id, [letter(people[0])]);
  if (sent === undefined) throw new Error('not sent');
  const { message_id, seq, sent_at } = sent;
  const place = { conversation_id, seq, sent_at };
  const react = (user_id: UserId, emoji: string) =>
    operations['messages.react']({ user_id, message_id, place, emoji }, 0);
  const edit = (user_id: UserId, content: string) =>
    operations['messages.edit']({ user_id, message_id, place, content }, 0);
  return { people, conversation_id, message_id, place, react, edit };
}

/** Another connection has this transaction open. */
async function begin(...statements: [string, unknown[]][]) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('begin');
  for (const [text, values] of statements) await client.query(text, values);
  return {
    async commit() {
      await client.query('commit');
      await client.end();
    },
  };
}

async function someWait(): Promise<void> {
  for (let looks = 0; looks < 1_000; looks += 1) {
    const rows = await sql(`select from pg_stat_activity where datname = current_database()
      and application_name = 'kaha-store' and wait_event_type = 'Lock'`);
    if (rows.length > 0) return;
  }
  throw new Error('nobody waits');
}

t.test('a removal waits for a concurrent change and lists its event as owed', async (t) => {
  const { people, conversation_id, message_id, place } = await scene();
  const [admin, , removed] = people;
  const event_id = newId<EventId>();
  const change = await begin([
    `select * from react($1, $2, $3, $4, $5, '👍', false, 20, $6)`,
    [conversation_id, place.seq, place.sent_at, message_id, removed, event_id],
  ]);
  const named = { user_id: admin, conversation_id, participant_id: removed };
  const removing = operations['conversations.change']({ op: 'conversations.remove', ...named }, 0);
  await someWait();
  await change.commit();
  t.ok((await removing).owed_before?.includes(event_id), 'the change is still owed');
});

t.test('a change waits for a concurrent removal and is judged after it', async (t) => {
  const { people, conversation_id, react, edit } = await scene();
  const [sender, other, removed] = people;
  const removal = await begin(
    ['select from conversations where conversation_id = $1 for update', [conversation_id]],
    [
      'update participants set left_at = now() where conversation_id = $1 and user_id = $2',
      [conversation_id, removed],
    ],
  );
  const changes = [react(removed, '👍'), react(other, '👍'), edit(sender, 'edited')] as const;
  const settled = Promise.allSettled(changes);
  await someWait();
  await removal.commit();
  const [refused, ...done] = await settled;
  t.match(refused, { reason: { code: 'MESSAGE_NOT_FOUND' } });
  for (const one of done) {
    const users = one.status === 'fulfilled' ? one.value.entry?.user_ids : undefined;
    t.same(new Set(users), new Set([sender, other]));
  }
});

t.test('concurrent edits of one message by two stores each get a version', async (t) => {
  const { people, message_id, place, edit, react } = await scene();
  const [sender, other] = people;
  const { operations } = open();
  const texts = ['a', 'b', 'c', 'd'];
  const edits = texts.map((content, index) =>
    index % 2 === 0
      ? edit(sender, content)
      : operations['messages.edit']({ user_id: sender, message_id, place, content }, 0),
  );
  const done = await Promise.all([...edits, react(other, '👍'), react(other, '🎉')]);
  const versions = done.flatMap(({ entry }) =>
    entry?.kind === 'message_updated' ? entry.update.version : [],
  );
  t.same(versions.sort(), [2, 3, 4, 5, 6, 7]);
  const kept = 'select count(*) as count from message_revisions where message_id = $1';
  t.same(await sql(kept, [message_id]), [{ count: 4 }]);
});

t.test('an edit under a new key encrypts the metadata anew', async (t) => {
  const { people, conversation_id } = await scene();
  const [sender] = people;
  const item = { ...letter(sender, 'old key'), metadata: { page: 7 } };
  const [sent] = await appendOk(store, conversation_id, [item]);
  const { message_id, seq, sent_at } = sent as {
    message_id: MessageId;
    seq: number;
    sent_at: string;
  };
  const at = { conversation_id, message_id };
  await writeAsBefore(sql, { place: at, content: 'old key', metadata: { page: 7 } });
  const { db, pool, ciphers } = store;
  const deps = { db, pool, ciphers, editWindowMs: 60_000 };
  const place = { conversation_id, seq, sent_at };
  const request = { user_id: sender, message_id, place, content: 'new key' };
  t.match((await editMessage(deps, request)).message, { metadata: { page: 7 } });
  const shown = await getMessage(deps, { user_id: sender, message_id });
  t.match(shown, { content: 'new key', metadata: { page: 7 }, version: 2 });
  t.match(await sql('select key_id from messages where message_id = $1', [message_id]), [
    { key_id: '@1' },
  ]);
});

t.test('sends do not wait for a concurrent change', async (t) => {
  const { people, conversation_id, message_id, place } = await scene();
  const [sender, other] = people;
  const event_id = newId<EventId>();
  const change = await begin([
    `select * from react($1, $2, $3, $4, $5, '👍', false, 20, $6)`,
    [conversation_id, place.seq, place.sent_at, message_id, other, event_id],
  ]);
  await appendOk(store, conversation_id, [letter(sender), letter(other)]);
  await change.commit();
  t.pass('the sends were written first');
});

import { randomBytes } from 'node:crypto';
import t from 'tap';
import { isSoak } from '../../../dev/testing/test-servers.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { seal } from '../content/sealed-text.ts';
import { writeAsBefore } from '../stage/old-texts.ts';
import { appendOk, contentKeys, createTalk, letter, setStage } from '../stage/store-stage.ts';
import { reencrypt } from './reencrypt.ts';

const { store, sql } = await setStage(t);
const { db, ciphers, operations } = store;
const [k1] = contentKeys as [(typeof contentKeys)[number]];
/** At least 5 000 rows are moved a second. */
const DOSE = isSoak ? { rows: 100_000, perSMin: 5_000 } : { rows: 1_000, perSMin: 100 };

const move = (batchMax = 250, lines: string[] = []) =>
  reencrypt({ db, ciphers, rowsPerS: 1e6, batchMax, tell: (line) => lines.push(line) });

/** The texts of a new conversation are as stores wrote them before conversations had keys. */
async function makeOld(count: number) {
  const { id, alice } = await createTalk(store);
  const texts = Array.from({ length: count }, (_, n) => `text ${n}`);
  const sent = await appendOk(
    store,
    id,
    texts.map((text) => letter(alice, text)),
  );
  const ids = sent.map(({ message_id }) => message_id);
  for (const [n, message_id] of ids.entries()) {
    const place = { conversation_id: id, message_id };
    await writeAsBefore(sql, { place, content: texts[n] as string, metadata: { n } });
  }
  return { id, alice, ids, texts };
}

type Talk = { id: ConversationId; alice: UserId };
type Revision = {
  conversation_id: ConversationId;
  message_id: MessageId;
  version: number;
  content: Buffer;
  key_id: string;
};

async function read({ id, alice }: Talk) {
  const ask = { user_id: alice, conversation_id: id };
  const { messages } = await operations['messages.history'](ask, 0);
  return messages.map(({ content, metadata }) => [content, metadata]);
}

async function targetOf(user_id: UserId, message_id: MessageId) {
  const place = await operations['messages.locate']({ user_id, message_id }, 0);
  return { user_id, message_id, place };
}

const namesOf = async (table: string): Promise<unknown[]> => {
  const rows = await sql<{ key_id: string }>(`select distinct key_id from ${table} order by 1`);
  return rows.map(({ key_id }) => key_id);
};
const clear = () => sql('truncate message_revisions, messages');

t.test('texts of before are moved to their conversation and read as written', async (t) => {
  const talks = [await makeOld(5), await makeOld(3)];
  const lines: string[] = [];
  t.same(await move(2, lines), { done: 8, left: 0 });
  t.equal(lines.at(-1), '8 messages moved');
  t.same(await namesOf('messages'), ['@1']);
  for (const talk of talks) {
    t.same(
      await read(talk),
      talk.texts.map((text, n) => [text, { n }]),
    );
  }
  t.same(await move(), { done: 0, left: 0 }, 'a second one has nothing to do');
  await clear();
});

t.test('earlier texts and tombstones are moved too', async (t) => {
  const talk = await makeOld(2);
  const [edited, deleted] = talk.ids as [MessageId, MessageId];
  const target = await targetOf(talk.alice, edited);
  await operations['messages.edit']({ ...target, content: 'edited' }, 0);
  await operations['messages.delete'](await targetOf(talk.alice, deleted), 0);
  // Stores wrote so before. One could not read the second text, and left it as its message had it.
  const rows = await sql<Revision>('select * from message_revisions order by message_id = $1', [
    deleted,
  ]);
  await sql('alter table message_revisions disable trigger write_once');
  for (const [n, { conversation_id, message_id, version }] of rows.entries()) {
    const bare = `${conversation_id}/${message_id}/content`;
    const place = n === 0 ? `${bare}/${version}` : bare;
    const sealed = seal(`earlier ${n}`, { key: k1.key, place });
    await sql(
      `update message_revisions set key_id = 'k1', content = $2, metadata = null
        where message_id = $1`,
      [message_id, sealed],
    );
  }
  await sql('alter table message_revisions enable always trigger write_once');
  await sql(`update messages set key_id = 'k1' where message_id = $1`, [deleted]);
  t.same(await move(), { done: 3, left: 0 });
  t.same(await namesOf('messages'), ['@1']);
  for (const [n, { message_id }] of rows.entries()) {
    const [row] = await sql<Revision>('select * from message_revisions where message_id = $1', [
      message_id,
    ]);
    const { content, key_id, conversation_id, version } = row as Revision;
    const cipher = await ciphers.open([{ conversation_id, message_id, content: null, key_id }]);
    const place = { conversation_id, message_id, field: 'content' as const, version };
    t.equal(cipher.decrypt(content, key_id, place), `earlier ${n}`);
  }
  await clear();
});

t.test('an edit that comes while a row is moved wins', async (t) => {
  const talk = await makeOld(1);
  const [message_id] = talk.ids as [MessageId];
  const target = await targetOf(talk.alice, message_id);
  const editing: Parameters<typeof reencrypt>[0]['ciphers'] = {
    async openToWrite(id) {
      await operations['messages.edit']({ ...target, content: 'the edit' }, 0);
      return ciphers.openToWrite(id);
    },
    forget: (key) => ciphers.forget(key),
  };
  await reencrypt({ db, ciphers: editing, rowsPerS: 1e6, tell: () => undefined });
  t.same(await read(talk), [['the edit', { n: 0 }]]);
  await clear();
});

t.test('a text that cannot be read stays as it is, and is told', async (t) => {
  const talk = await makeOld(3);
  const [lost, damaged] = talk.ids;
  await sql(`update messages set key_id = 'lost' where message_id = $1`, [lost]);
  await sql('update messages set content = $2 where message_id = $1', [damaged, randomBytes(50)]);
  t.same(await move(), { done: 1, left: 2 });
  t.same(await namesOf('messages'), ['@1', 'k1', 'lost']);
  t.same((await read(talk)).at(-1), ['text 2', { n: 2 }]);
  await clear();
});

t.test('a key that is erased meanwhile takes no text with it', async (t) => {
  const talk = await makeOld(2);
  await ciphers.openToWrite(talk.id);
  await sql('update content_keys set wrapped = null where conversation_id = $1', [talk.id]);
  t.same(await move(), { done: 2, left: 0 }, 'the second pass has another key');
  t.same(await namesOf('messages'), ['@2']);
  t.same(
    await read(talk),
    talk.texts.map((text, n) => [text, { n }]),
  );
  await clear();
});

t.test('two at once do each row once', async (t) => {
  const talk = await makeOld(40);
  await Promise.all([move(3), move(3)]);
  t.same(await namesOf('messages'), ['@1']);
  t.same(
    await read(talk),
    talk.texts.map((text, n) => [text, { n }]),
  );
  await clear();
});

/** A statement of the stage may take 1.4 s. */
const INSERTED_AT_ONCE = 2_000;

t.test(`${DOSE.rows} rows are moved in time`, async (t) => {
  const { id, alice } = await createTalk(store);
  for (let from = 0; from < DOSE.rows; from += INSERTED_AT_ONCE) {
    const count = Math.min(INSERTED_AT_ONCE, DOSE.rows - from);
    const ids = Array.from({ length: count }, () => newId<MessageId>());
    const sealed = ids.map((message_id) =>
      seal('what people say '.repeat(10), { key: k1.key, place: `${id}/${message_id}/content` }),
    );
    await sql(
      `insert into messages (conversation_id, seq, sent_at, message_id, sender_id, message_type,
          content, key_id)
        select $1, $2::bigint + n, date_trunc('milliseconds', now()), m, $3, 'text', c, 'k1'
        from unnest($4::uuid[], $5::bytea[]) with ordinality as w (m, c, n)`,
      [id, from, alice, ids, sealed],
    );
  }
  const beganAt = steadyMs();
  t.same(await move(), { done: DOSE.rows, left: 0 });
  const perS = Math.round(DOSE.rows / ((steadyMs() - beganAt) / 1_000));
  t.comment(`${perS} rows/s`);
  t.ok(perS > DOSE.perSMin, `${perS} rows/s`);
  await clear();
});

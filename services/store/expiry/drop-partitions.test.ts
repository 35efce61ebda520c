import { CompiledQuery } from 'kysely';
import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { openDatabase } from '../database/database.ts';
import { readPartitions } from '../partitions/read-partitions.ts';
import { expireAll, trustClock } from '../stage/expiry-stage.ts';
import {
  appendOk,
  createGroup,
  letter,
  openStore,
  type StoreParts,
  setStage,
  silent,
} from '../stage/store-stage.ts';

const { store, sql, url } = await setStage(t);
const reader = openDatabase({ url, poolMax: 1, logger: silent });
t.teardown(() => reader.close());
await trustClock(sql, 0);
const PAST = { from: '2020-01-06', until: '2020-01-13' };

/** A partition of long ago has a message, is cleared, and waits to be dropped. */
async function makeExpired(name: string) {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store, [ann, bob]);
  await sql(`create table ${name} (like messages including all)`);
  await sql(`alter table messages attach partition ${name}
    for values from ('${PAST.from}') to ('${PAST.until}')`);
  await appendOk(store, id, [letter(ann), letter(ann)]);
  await sql(`update messages set sent_at = '2020-01-07' where conversation_id = $1 and seq = 1`, [
    id,
  ]);
  await expireAll(store, 0);
  return { id, ann, bob };
}

const drop = ({ operations }: StoreParts = store) => operations['retention.drop']({ limit: 5 }, 0);
const find = async (wanted: string) =>
  (await readPartitions(store.db)).find(({ name }) => name === wanted);
const exists = async (name: string): Promise<boolean> => {
  const [row] = await sql<{ there: boolean }>('select to_regclass($1) is not null as there', [
    name,
  ]);
  return row?.there === true;
};

t.test('a partition that a reader uses is dropped later, and nothing waits for it', async (t) => {
  const { id, ann } = await makeExpired('long_ago');
  const weeks = (await readPartitions(store.db)).length;
  await reader.db.transaction().execute(async (tx) => {
    await tx.selectFrom('messages').select('seq').execute();
    t.match(await drop(), { dropped: [], left: 1 });
    t.match(await find('long_ago'), { isDetaching: true });
    t.match(await drop(), { dropped: [], left: 1 }, 'a second try ends too');
    t.match(await appendOk(store, id, [letter(ann)]), [{ seq: 3 }]);
    const ask = { user_id: ann, conversation_id: id };
    const page = await store.operations['messages.history'](ask, 0);
    t.match(page.messages, [{ seq: 2 }, { seq: 3 }]);
    const { created } = await store.operations['partitions.ensure']({ weeks_ahead: weeks + 1 }, 0);
    t.ok(created.length > 0, 'partitions are made meanwhile');
  });
  t.match(await drop(), { dropped: ['long_ago'], left: 0 });
  t.notOk(await exists('long_ago'));
  t.same(await drop(), { dropped: [], left: 0 });
});

t.test('a store that died between detaching and dropping leaves it to the next', async (t) => {
  const keeping = openStore(url, { retentionDays: 0 });
  t.teardown(keeping.close);
  await makeExpired('detached');
  t.match(await drop(keeping), { dropped: [], left: 0 }, 'messages are kept for ever');
  await sql('alter table messages detach partition detached');
  t.match(await drop(keeping), { dropped: ['detached'], left: 0 });
  t.notOk(await exists('detached'));
});

t.test('two stores that drop at once drop each partition once', async (t) => {
  const other = openStore(url);
  t.teardown(other.close);
  await makeExpired('twice');
  const both = await Promise.all([drop(), drop(other)]);
  t.same(
    both.flatMap(({ dropped }) => dropped),
    ['twice'],
  );
  t.notOk(await exists('twice'));
});

t.test('a store that gives way to another one leaves its connection as it was', async (t) => {
  const wait = CompiledQuery.raw(`select current_setting('lock_timeout') as wait`);
  const before = await store.db.executeQuery(wait);
  await makeExpired('taken');
  await reader.db.transaction().execute(async (tx) => {
    await tx.executeQuery(CompiledQuery.raw('select pg_advisory_xact_lock(7205002)'));
    t.match(await drop(), { dropped: [], left: 1 });
    t.same((await store.db.executeQuery(wait)).rows, before.rows);
  });
  t.match(await drop(), { dropped: ['taken'], left: 0 });
  t.same((await store.db.executeQuery(wait)).rows, before.rows);
});

t.test(
  'behind a pooler of transactions, a drop is one transaction that waits for nobody',
  async (t) => {
    const pooled = openStore(url, { pooling: 'transaction' });
    t.teardown(pooled.close);
    await makeExpired('pooled');
    await reader.db.transaction().execute(async (tx) => {
      await tx.selectFrom('messages').select('seq').execute();
      t.match(await drop(pooled), { dropped: [], left: 1 });
      t.match(await find('pooled'), { isDetaching: false });
    });
    t.match(await drop(pooled), { dropped: ['pooled'], left: 0 });
  },
);

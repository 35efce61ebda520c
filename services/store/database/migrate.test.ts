import { Migrator } from 'kysely';
import t from 'tap';
import { createDatabase } from '../../../dev/testing/test-servers.ts';
import { newId } from '../../../shared/ids.ts';
import { readPartitions } from '../partitions/read-partitions.ts';
import { WEEK_MS, weekOf } from '../partitions/spans.ts';
import { silent } from '../stage/store-stage.ts';
import { openDatabase } from './database.ts';
import { classifyFailure } from './database-error.ts';
import { ensurePartitions } from './ensure-partitions.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { watchSchema } from './schema-check.ts';

const database = await createDatabase({ isEmpty: true });
const open = (options = {}) =>
  openDatabase({ url: database.url, poolMax: 2, logger: silent, ...options });
const asMigration = { applicationName: 'kaha-migrate' };
const [first, second] = [open(asMigration), open(asMigration)];
t.teardown(async () => {
  await first.close();
  await second.close();
  await database.drop();
});

t.test('a store that is not migrated is not ready and says why', async (t) => {
  const schema = await watchSchema(first.pool, silent);
  t.equal(schema.problem(), 'schema not migrated');
  schema.close();
});

t.test('two concurrent migrations make one schema and a third finds nothing to do', async (t) => {
  const both = await Promise.all([migrate(first.db), migrate(second.db)]);
  const migrated = both.flat().filter((line) => line.startsWith('migrated'));
  t.equal(new Set(migrated).size, migrated.length, 'each migration runs once');
  t.equal((await migrate(first.db)).length, 1);
  const schema = await watchSchema(first.pool, silent);
  t.equal(schema.problem(), undefined);
  schema.close();
});

t.test('a store that has prepared its statements goes on after a migration', async (t) => {
  const { url, drop } = await createDatabase({ isEmpty: true });
  const [store, migration] = [open({ url }), open({ url, ...asMigration })];
  t.teardown(async () => {
    await store.close();
    await migration.close();
    await drop();
  });
  const provider = { getMigrations: async () => migrations };
  await new Migrator({ db: migration.db, provider }).migrateTo('0006-business-contacts');
  const use = async (): Promise<void> => {
    const row = [newId(), newId(), 'message'];
    await store.pool.query(
      `insert into outbox (event_id, conversation_id, kind, created_at)
        values ($1, $2, $3, now())`,
      row,
    );
    await store.pool.query('select * from outbox where event_id = $1', row.slice(0, 1));
  };
  await Promise.all([use(), use()]);
  await migrate(migration.db);
  // A store tries again on a new connection after an attempt on a lost one.
  const tryToUse = (): Promise<void> =>
    use().catch((error) => {
      if (classifyFailure(error) !== 'gone') throw error;
      return use();
    });
  await Promise.all([tryToUse(), tryToUse()]);
});

t.test('a migration that finds nothing to do ends no connection', async (t) => {
  const [store, migration] = [open(), open(asMigration)];
  const client = await store.pool.connect();
  await migrate(migration.db);
  t.match((await client.query('select 1 as one')).rows, [{ one: 1 }]);
  client.release();
  await store.close();
  await migration.close();
});

t.test('a prepared statement whose columns have changed costs its connection', async (t) => {
  const store = open();
  const select = () => store.pool.query('select * from changing where $1', [true]);
  await first.pool.query('create table changing (one int)', []);
  await select();
  await first.pool.query('alter table changing add two int', []);
  const error = await select().catch((error: unknown) => error);
  t.match(error, { code: '0A000' });
  t.equal(classifyFailure(error), 'gone');
  t.same(await select(), []);
  await store.close();
});

t.test('partitions are made ahead, each once and without a gap', async (t) => {
  const { created, last_until, ahead } = await ensurePartitions(first.db, 8);
  t.equal(created.length, 2, 'six weeks ahead were there');
  t.equal(ahead, 8);
  t.equal(Date.parse(last_until), weekOf(Date.now()).untilMs + 8 * WEEK_MS);
  const again = await Promise.all([ensurePartitions(first.db, 9), ensurePartitions(second.db, 9)]);
  t.equal(again.flatMap((one) => one.created).length, 1);
});

t.test('weeks follow the months that an earlier version has made', async (t) => {
  const empty = await createDatabase({ isEmpty: true });
  const old = openDatabase({ url: empty.url, poolMax: 2, logger: silent, ...asMigration });
  t.teardown(async () => {
    await old.close();
    await empty.drop();
  });
  await migrate(old.db);
  for (const { name } of await readPartitions(old.db))
    await old.pool.query(`drop table ${name}`, []);
  const thisMonth = new Date(new Date().toISOString().slice(0, 7));
  const next = new Date(Date.UTC(thisMonth.getUTCFullYear(), thisMonth.getUTCMonth() + 1));
  const bounds = [thisMonth, next].map((time) => `'${time.toISOString()}'`);
  const range = `for values from (${bounds[0]}) to (${bounds[1]})`;
  await old.pool.query(`create table messages_month partition of messages ${range}`, []);
  const { created } = await ensurePartitions(old.db, 8);
  const [month, ...weeks] = await readPartitions(old.db);
  t.match(month, { name: 'messages_month', untilMs: next.getTime() });
  t.same(new Set(weeks.map(({ name }) => name)), new Set(created));
  let untilMs = next.getTime();
  for (const week of weeks) {
    t.equal(week.fromMs, untilMs, 'no gap and no overlap');
    t.match(
      week.name,
      `messages_${new Date(untilMs).toISOString().slice(0, 10).replaceAll('-', '_')}`,
    );
    untilMs = week.untilMs;
  }
  t.equal(untilMs, weekOf(Date.now()).untilMs + 8 * WEEK_MS);
});

t.test('a table that has the name of a partition keeps none from being made', async (t) => {
  const partitions = await readPartitions(first.db);
  const { name } = partitions.at(-1) as (typeof partitions)[number];
  await first.pool.query(`alter table messages detach partition ${name}`, []);
  const { created } = await ensurePartitions(first.db, 9);
  t.same(created, [`${name}_2`]);
});

t.test('a message of a week without a partition is refused', async (t) => {
  const insert = `insert into messages
    (conversation_id, seq, sent_at, message_id, sender_id, message_type, key_id)
    select u, 1, '1999-01-01', u, u, 'text', 'k' from gen_random_uuid() u`;
  await t.rejects(first.pool.query(insert, []), /no partition of relation/);
});

t.test('each partition gets its indexes', async (t) => {
  const rows = await first.pool.query<{ count: number }>(
    `select count(*) from pg_indexes where tablename like 'messages_2%'
      group by tablename`,
    [],
  );
  t.ok(rows.every(({ count }) => count === 3));
});

import pg from 'pg';
import t, { type Test } from 'tap';
import { SERVER_CONNECTIONS_MAX } from '../../../dev/servers/pgbouncer-server.ts';
import { setPgbouncer, WITHOUT_PGBOUNCER } from '../../../dev/testing/pgbouncer.ts';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { createDatabase } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { applyPositions } from '../positions/apply-positions.ts';
import { makeBusiness, makeConversation } from '../stage/business-stage.ts';
import {
  append,
  appendOk,
  codeOf,
  createGroup,
  createTalk,
  letter,
  openStore,
  POOL_MAX,
  type StoreParts,
  silent,
} from '../stage/store-stage.ts';
import { openDatabase, openStoreDatabase, type StoreDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { watchSchema } from './schema-check.ts';

const database = await createDatabase({ isEmpty: true });
const pgbouncer = await setPgbouncer(t, database.url);
const skip = pgbouncer === undefined && WITHOUT_PGBOUNCER;
const direct = openDatabase({
  url: database.url,
  poolMax: 2,
  applicationName: 'test',
  logger: silent,
});
const sql = <Row>(text: string, values: unknown[] = []) => direct.pool.query<Row>(text, values);
t.teardown(async () => {
  await direct.close();
  await database.drop();
});

/** A statement waits for a connection for a second, in which a busy machine may open none. */
const LATE = /^(timeout exceeded when trying to connect|.* due to connection timeout)$/;

const countConnections = async (): Promise<number> => {
  const [row] = await sql<{ count: number }>(
    `select count(*) from pg_stat_activity
      where datname = current_database() and application_name = 'kaha-store'`,
  );
  return row?.count ?? 0;
};

t.test(
  'a store that uses all it may opens no more connections than its setting says',
  async (t) => {
    for (const poolMax of [8, 20]) {
      const opened = openStoreDatabase({
        ...{ url: database.url, poolMax, retentionDays: 90, logger: silent },
      });
      const counts: number[] = [];
      const openAll = async (): Promise<boolean> => {
        let isDone = false;
        const all = Promise.allSettled(sleepInAll(opened)).finally(() => {
          isDone = true;
        });
        while (!isDone) counts.push(await countConnections());
        const failed = (await all).flatMap((one) => (one.status === 'rejected' ? one.reason : []));
        t.same(
          failed.filter(({ message }) => !LATE.test(message)),
          [],
        );
        return Math.max(...counts) >= poolMax;
      };
      await until('all connections are open', openAll, 30_000);
      t.equal(Math.max(...counts), poolMax);
      await opened.close();
    }
  },
);

/** Asks for more connections at a time than each pool may have. */
function sleepInAll({ pool, appends, positions, businessSends }: StoreDatabase) {
  const sleep = 'select pg_sleep(0.2)';
  const busy = [pool, appends, positions].flatMap((one) =>
    Array.from({ length: one.max + 3 }, () => one.query(sleep, [])),
  );
  const inBusinesses = Array.from({ length: businessSends.connectionsMax + 3 }, () =>
    businessSends.db.executeQuery({ sql: sleep, parameters: [] } as never),
  );
  return [...busy, ...inBusinesses];
}

t.test('a store works through a PgBouncer in transaction mode', { skip }, async (t) => {
  const url = pgbouncer as string;
  await sql(`do $$ begin execute format('alter database %I set timezone = ''Asia/Kathmandu''',
    current_database()); end $$`);
  const behind = { url, pooling: 'transaction' as const, poolMax: 2, logger: silent };
  const migration = openDatabase({ ...behind, applicationName: 'kaha-migrate' });
  await migrate(migration.db);
  const schema = await watchSchema(migration.pool, silent);
  t.equal(schema.problem(), undefined);
  schema.close();
  await migration.close();
  const stores = [0, 1].map(() => openStore(url, { pooling: 'transaction' }));
  t.teardown(() => Promise.all(stores.map(({ close }) => close())));
  const [store, other] = stores as [StoreParts, StoreParts];
  await t.test('many messages are appended at once', (t) => appendMany(t, store, other));
  await t.test('changes and reads are as without it', (t) => changeAndRead(t, store));
  await t.test('sends to a business take its steps', (t) => sendToBusiness(t, store));
  await t.test('settings hold although no session keeps them', (t) => meetLimits(t, store));
  const [row] = await sql<{ count: number }>(`select count(*) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
  t.ok((row?.count ?? 0) <= SERVER_CONNECTIONS_MAX + 1, `${row?.count} instead of ${2 * POOL_MAX}`);
});

async function appendMany(t: Test, store: StoreParts, other: StoreParts): Promise<void> {
  const users = Array.from({ length: 4 }, () => newId<UserId>());
  const ids = await Promise.all(Array.from({ length: 6 }, () => createGroup(store, users)));
  const rounds = Array.from({ length: 60 }, (_, turn) => {
    const letters = users.map((user) => letter(user));
    return appendOk(turn % 2 ? store : other, ids[turn % ids.length] as ConversationId, letters);
  });
  const event_ids = (await Promise.all(rounds)).flat().map(({ event_id }) => event_id);
  t.equal(event_ids.length, 240);
  const { operations } = store;
  const [user_id, conversation_id] = [users[0], ids[0]] as [UserId, ConversationId];
  const { messages } = await operations['messages.history']({ user_id, conversation_id }, 0);
  const seqs = messages.map(({ seq }) => seq);
  t.same(
    seqs,
    Array.from({ length: 40 }, (_, n) => n + 1),
  );
  t.ok(Math.abs(Date.parse(messages[0]?.sent_at as string) - Date.now()) < 60_000);
  const { records } = await operations['conversations.list']({ user_id }, 0);
  t.equal(records.length, 6);
  const claim = { event_ids, limit: 500, lease_ms: 9 };
  t.equal((await operations['outbox.claim'](claim, 0)).entries.length, 240);
  await operations['outbox.done']({ event_ids }, 0);
}

async function changeAndRead(t: Test, store: StoreParts): Promise<void> {
  const { operations } = store;
  const { id: conversation_id, alice, bina } = await createTalk(store);
  const [sent] = await appendOk(store, conversation_id, [letter(alice)]);
  const named = { user_id: alice, message_id: sent?.message_id as MessageId };
  const target = { ...named, place: await operations['messages.locate'](named, 0) };
  await operations['messages.react']({ ...target, emoji: '👍' }, 0);
  t.match(await operations['messages.edit']({ ...target, content: 'new' }, 0), {
    message: { content: 'new', version: 3 },
  });
  await operations['messages.delete'](target, 0);
  const of = { user_id: bina, conversation_id };
  await operations['conversations.change']({ op: 'conversations.mute', ...of }, 0);
  await applyPositions(store.pool, [[conversation_id, bina, 'delivered', 1, Date.now()]]);
  const read = operations['positions.read']({ reads: [{ ...of, seq: 1 }] }, steadyMs() + 5_000);
  t.match(await read, { results: [{ ok: true }] });
  t.match(await operations['partitions.ensure']({ weeks_ahead: 3 }, 0), { created: [] });
}

async function sendToBusiness(t: Test, store: StoreParts): Promise<void> {
  const { business } = await makeBusiness(store);
  const { id, customer } = await makeConversation(store, business);
  const { results, inbox } = await append(store, id, [letter(customer), letter(customer)]);
  t.same(results.map(codeOf), [undefined, undefined]);
  t.match(inbox, [{ change: 'added' }]);
}

async function meetLimits(t: Test, store: StoreParts): Promise<void> {
  const [held, free] = [await createTalk(store), await createTalk(store)];
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('begin');
  await client.query('select from participants where user_id = $1 for update', [held.alice]);
  const refused = append(store, held.id, [letter(held.alice)]);
  t.same((await append(store, free.id, [letter(free.alice)])).results.map(codeOf), [undefined]);
  t.same((await refused).results.map(codeOf), ['DATABASE_UNAVAILABLE'], 'lock_timeout');
  await client.end();
  const watch = startStopwatch();
  await t.rejects(store.pool.query('select pg_sleep(10)', []), { code: '57014' });
  t.ok(watch.stop() < 2_500, 'statement_timeout');
  t.match(await store.pool.query('select 1 as one', []), [{ one: 1 }]);
}

import t from 'tap';
import type { EventId } from '../../../shared/ids.ts';
import { appendOk, createTalk, letter, setStage } from '../stage/store-stage.ts';

const { store, sql, open } = await setStage(t);
t.beforeEach(() => sql('delete from outbox'));

/** Owes the fan-outs of this many messages: the first is an hour old, each further one 1 s less. */
async function owe(count: number): Promise<EventId[]> {
  const { id, alice } = await createTalk(store);
  const items = Array.from({ length: count }, () => letter(alice));
  const sent = await appendOk(store, id, items);
  await sql("delete from outbox where kind = 'conversation'");
  await sql("update outbox set created_at = now() - interval '1 h' + seq * interval '1 s'");
  return sent.map(({ event_id }) => event_id);
}

/** A store that was just opened remembers no answer. */
async function oldestAt(): Promise<string> {
  const { operations } = open();
  const { oldest_at = '' } = await operations['outbox.claim']({ limit: 9, lease_ms: 30_000 }, 0);
  return oldest_at;
}

async function timeOf(eventId: EventId | undefined): Promise<string | undefined> {
  const [row] = await sql<{ at: string }>(
    'select created_at as at from outbox where event_id = $1',
    [eventId],
  );
  return row?.at;
}

t.test('the time is that of the oldest row, or 10 s ago', async (t) => {
  const [first] = await owe(3);
  t.equal(await oldestAt(), await timeOf(first));
  await sql('delete from outbox');
  const at = Date.parse(await oldestAt());
  const ageMs = Date.now() - at;
  t.ok(ageMs >= 10_000 && ageMs < 15_000, `${ageMs} ms`);
});

t.test('a row that the feed has does not hold the time back', async (t) => {
  const [first, second, third] = await owe(3);
  await sql(`update outbox set is_fed = true, missed = '{}' where event_id = $1`, [first]);
  t.equal(await oldestAt(), await timeOf(second));
  await sql(`update outbox set missed = '{}' where event_id = $1`, [second]);
  t.equal(await oldestAt(), await timeOf(second), 'a row that only the feed lacks does');
  await sql('update outbox set is_fed = true where event_id = $1', [second]);
  t.equal(await oldestAt(), await timeOf(third));
  await sql('update outbox set is_fed = true');
  t.ok(Date.now() - Date.parse(await oldestAt()) < 15_000);
});

t.test('a row that cannot be read does not hold the time back', async (t) => {
  const [first, second] = await owe(2);
  await sql(`update messages set content = '\\x00' where message_id = $1`, [first]);
  t.equal(await oldestAt(), await timeOf(second));
  await sql('update outbox set claimed_until = null');
  t.equal(await oldestAt(), await timeOf(second), 'nor while it is tried again');
});

t.test('one look passes at most 20 000 rows that the feed has, and the next goes on', async (t) => {
  const [first, second] = await owe(2);
  await sql(
    `insert into outbox (event_id, conversation_id, kind, seq, created_at, is_fed)
      select gen_random_uuid(), conversation_id, kind, seq,
        created_at - interval '1 h' + n * interval '1 ms', true
      from outbox, generate_series(1, 25000) n where event_id = $1`,
    [first],
  );
  const look = async (from: string | null): Promise<string> => {
    const [row] = await sql<{ at: string }>('select oldest_unfed($1) as at', [from]);
    return String(row?.at);
  };
  const at = await look(null);
  const [passed] = await sql<{ count: number }>(
    'select count(*) from outbox where created_at < $1',
    [at],
  );
  t.ok(passed && passed.count > 19_000 && passed.count <= 20_000, `${passed?.count}`);
  t.equal(await look(at), await timeOf(first));
  await sql('update outbox set is_fed = true where event_id = $1', [first]);
  t.equal(await look(at), await timeOf(second));
});

t.test('a transaction that is still open holds the time back', async (t) => {
  const client = await store.pool.connect();
  await client.query('begin');
  const { rows } = await client.query<{ at: string }>(`select now() - interval '10 s' as at`);
  t.equal(await oldestAt(), rows[0]?.at);
  await client.query('rollback');
  client.release();
});

import type pg from 'pg';

const PARTITION = 'messages_bench_expired';
/** All that was sent in this week has passed. */
const WEEK = { from: '2020-01-06', until: '2020-01-13' };
const EACH = 1_000;

const INSERT = `
  with made as (
    insert into conversations (conversation_id, type, last_seq, created_by, created_at,
      last_activity)
    select gen_random_uuid(), 'group', $1, gen_random_uuid(), $2, now()
    returning conversation_id, created_by
  ), sent as (
    insert into messages (conversation_id, seq, sent_at, message_id, sender_id, client_msg_id,
      message_type, content, key_id)
    select conversation_id, s,
      $2::timestamptz + s * interval '1 second' + random() * interval '6 days',
      gen_random_uuid(), created_by, gen_random_uuid(), 'text', repeat('x', 200)::bytea, '@1'
    from made, generate_series(1, $1::int) s returning *
  )
  insert into message_keys (conversation_id, sender_id, client_msg_id, message_id, seq, sent_at)
  select conversation_id, sender_id, client_msg_id, message_id, seq, sent_at from sent`;

/** Fills a partition of long ago with messages that nobody reads. */
export async function seedExpired(
  client: pg.Client,
  messages: number,
  tell: (line: string) => void,
): Promise<void> {
  await client.query(`drop table if exists ${PARTITION}`);
  await client.query('delete from expired_partitions where name = $1', [PARTITION]);
  await client.query(`create table ${PARTITION} (like messages including all)`);
  await client.query(`alter table messages attach partition ${PARTITION}
    for values from ('${WEEK.from}') to ('${WEEK.until}')`);
  for (let count = 0; count < messages; count += EACH) {
    await client.query(INSERT, [EACH, WEEK.from]);
    if (count % 100_000 === 0) tell(`${count} of ${messages} messages`);
  }
  await client.query(`vacuum (analyze) ${PARTITION}, message_keys`);
}

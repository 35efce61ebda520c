import type { System } from '../stage/stack.ts';

const NAME = 'messages_long_ago';
const WEEK = { from: '2020-01-06', until: '2020-01-13' };
const INSERT_OTHERS = `
  with sent as (
    insert into messages (conversation_id, seq, sent_at, message_id, sender_id, client_msg_id,
      message_type, content, key_id)
    select gen_random_uuid(), 1, timestamptz '2020-01-07' + n * interval '1 second',
      gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'text', null, '@1'
    from generate_series(1, $1::int) n returning *)
  insert into message_keys (conversation_id, sender_id, client_msg_id, message_id, seq, sent_at)
  select conversation_id, sender_id, client_msg_id, message_id, seq, sent_at from sent`;

/** A week of long ago has the first three messages of the conversation, and many others. */
export async function makeExpired(
  system: System,
  conversationId: string,
  others: number,
): Promise<string> {
  await system.sql(`create table ${NAME} (like messages including all)`);
  await system.sql(`alter table messages attach partition ${NAME}
    for values from ('${WEEK.from}') to ('${WEEK.until}')`);
  await system.sql(INSERT_OTHERS, [others]);
  for (const table of ['message_keys', 'messages']) {
    await system.sql(
      `update ${table} set sent_at = timestamptz '2020-01-07' + seq * interval '1 second'
        where conversation_id = $1 and seq <= 3`,
      [conversationId],
    );
  }
  return NAME;
}

/** Retention has begun to clear the week, or it has done so already. */
export async function isAtIt(system: System, week: string): Promise<boolean> {
  const noted = await system.sql('select from expired_partitions where name = $1', [week]);
  return noted.length > 0 || (await isDropped(system, week));
}

export async function isDropped(system: System, week: string): Promise<boolean> {
  const [row] = await system.sql('select to_regclass($1) is null as gone', [week]);
  return (row as { gone: boolean } | undefined)?.gone === true;
}

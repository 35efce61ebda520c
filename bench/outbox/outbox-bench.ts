import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { ConversationId } from '../../shared/ids.ts';

type OutboxReport = { filled: number; elapsedS: number; rowsPerS: number; left: number };
type Options = {
  client: pg.Client;
  conversations: readonly ConversationId[];
  rows: number;
  /** The measurement ends after this time, whatever is left. */
  secondsMax: number;
  tell: (line: string) => void;
};

/** This many rows have one time, as the sends of one commit have. */
const ROWS_A_TIME = 200;
const LOOK_MS = 5_000;

/**
 * The messages become owed again by the function that owes them after a send, an hour ago and each
 * group of rows 1 ms after the one before. All are committed at once, so that routers begin when
 * the last one is there. A message that is owed already is left out.
 */
const FILL = `
  with chosen as (
    select m.message_id, m.conversation_id, m.seq,
      (row_number() over (order by m.seq, m.conversation_id) - 1) / ${ROWS_A_TIME} as place
    from messages m
    where m.conversation_id = any ($1::uuid[])
      and not exists (select from outbox o where o.event_id = m.message_id)
    limit $2
  ), groups as (
    select place, array_agg(message_id) as ids, array_agg(conversation_id) as conversations,
      array_agg(seq) as seqs
    from chosen group by place
  )
  select coalesce(sum(write_outbox('message', ids, conversations, seqs, null,
    $3::timestamptz + place * interval '1 ms')), 0)::int as filled
  from groups`;

const COUNT = 'select count(*)::int as owed from outbox where created_at < $1';

/** Fills the outbox, and tells how fast it is worked off beside whatever else runs. */
export async function measureOutbox(options: Options): Promise<OutboxReport> {
  const { client, conversations, rows, secondsMax, tell } = options;
  const hourAgo = new Date(Date.now() - 3_600_000);
  const { rows: answer } = await client.query<{ filled: number }>(FILL, [
    conversations,
    rows,
    hourAgo.toISOString(),
  ]);
  const filled = answer[0]?.filled ?? 0;
  tell(`${filled} rows are owed`);
  const startedAt = performance.now();
  const elapsedS = (): number => (performance.now() - startedAt) / 1_000;
  // The rows of the load beside are younger, so they are not counted.
  const youngest = new Date(hourAgo.getTime() + Math.ceil(rows / ROWS_A_TIME)).toISOString();
  let left = filled;
  while (left > 0 && elapsedS() < secondsMax) {
    await delay(LOOK_MS);
    const { rows: counted } = await client.query<{ owed: number }>(COUNT, [youngest]);
    const before = left;
    left = counted[0]?.owed ?? 0;
    tell(`${left} left, ${Math.round((before - left) / (LOOK_MS / 1_000))} rows/s`);
  }
  const seconds = elapsedS();
  return { filled, elapsedS: seconds, rowsPerS: Math.round((filled - left) / seconds), left };
}

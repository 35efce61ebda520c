import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';

type Held = 'the clocks differ' | 'the clock has jumped';
type Judged = { nowMs: number; held?: Held };

/** The clocks of Postgres and of whoever asks may differ by this much. */
const SKEW_MS_MAX = 60_000;
/** If nobody has looked at the clock for longer, it may have jumped meanwhile. */
const UNSEEN_H_MAX = 36;
/** A clock that may have jumped must have gone on for so long before something goes. */
const STEADY_H_MIN = 24;

/**
 * Judges whether something may go by the clock of Postgres. A clock that is a year ahead would let
 * all messages go, so two clocks have to agree, and the clock must have been seen to go on for a
 * day since it was first looked at, since it was last seen to jump, or since nobody looked at it
 * for a day and a half.
 */
export async function judgeClock(db: Kysely<Database>, askedAt: string): Promise<Judged> {
  const { rows } = await sql<{ now: string; isSteady: boolean }>`
    insert into expiry_clock as c (seen_at, steady_since)
    select now, now from (select clock_timestamp() as now) clock
    on conflict (is_only) do update set seen_at = excluded.seen_at,
      steady_since = case
        when excluded.seen_at between c.seen_at - interval '1 minute'
          and c.seen_at + make_interval(hours => ${sql.lit(UNSEEN_H_MAX)}) then c.steady_since
        else excluded.seen_at end
    returning seen_at as now,
      steady_since <= seen_at - make_interval(hours => ${sql.lit(STEADY_H_MIN)})
        as "isSteady"`.execute(db);
  const { now, isSteady } = rows[0] as (typeof rows)[number];
  const nowMs = Date.parse(now);
  if (Math.abs(nowMs - Date.parse(askedAt)) > SKEW_MS_MAX) {
    return { nowMs, held: 'the clocks differ' };
  }
  return isSteady ? { nowMs } : { nowMs, held: 'the clock has jumped' };
}

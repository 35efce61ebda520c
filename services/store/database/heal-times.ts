import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { Database } from './schema.ts';
import type { TimesAhead } from './times-ahead.ts';

type Deps = { db: Kysely<Database>; timesAhead: TimesAhead; metrics: Metrics; logger: Logger };

const ROUND_MS = 60_000;
/** One statement corrects at most this many rows, so that it ends in time; the next goes on. */
const ROWS_MAX = 5_000;
/** Clocks that differ by more than this are logged. */
const SKEW_S_MAX = 60;

const now = sql`date_trunc('milliseconds', now())`;
const ahead = sql`now() + interval '1 minute'`;
/** Leases and turns end within 10 minutes. */
const beyond = sql`now() + interval '1 hour'`;
const some = sql`limit ${sql.lit(ROWS_MAX)} for update skip locked`;

/**
 * Rows that were written while the clock was ahead would wait until the clock gets there: owed
 * events and businesses would not be claimed, agents would not count as gone, and conversations
 * that wait would be the last in the line. Messages and lists are corrected where they are written
 * and read.
 */
const HEALS = {
  outbox: [
    sql`update outbox set created_at = ${now} where event_id in (select event_id from outbox
      where missed is distinct from '{}' and created_at > ${ahead} order by created_at ${some})`,
    sql`update outbox set created_at = ${now} where event_id in (select event_id from outbox
      where missed = '{}' and created_at > ${ahead} order by created_at ${some})`,
    sql`update outbox set claimed_until = null where event_id in (select event_id from outbox
      where claimed_until > ${beyond} ${some})`,
  ],
  inbox: [
    sql`update business_inboxes set claimed_until = null, due_at = least(due_at, ${now}),
        swept_at = least(swept_at, ${now})
      where business_id in (select business_id from business_inboxes
        where claimed_until > ${beyond} or swept_at > ${beyond} ${some})`,
  ],
  agent: [sql`update business_agents set offline_since = ${now} where offline_since > ${ahead}`],
  waiting: [
    sql`update conversations set waiting_since = ${now}, unanswered_since = ${now}
      where conversation_id in (select conversation_id from conversations
        where state = 'waiting' and waiting_since > ${ahead} ${some})`,
    sql`update conversations set unanswered_since = ${now}
      where conversation_id in (select conversation_id from conversations
        where state = 'assigned' and unanswered_since > ${ahead} ${some})`,
  ],
} satisfies Record<string, RawBuilder<unknown>[]>;

/** Corrects these times now, and notes how many there were. */
export async function healTimes({ db, timesAhead }: Pick<Deps, 'db' | 'timesAhead'>) {
  for (const [what, statements] of Object.entries(HEALS)) {
    for (const statement of statements) {
      const { numAffectedRows = 0n } = await statement.execute(db);
      timesAhead.note(what as keyof typeof HEALS, Number(numAffectedRows));
    }
  }
}

/**
 * Once a minute, and at the start, times that are ahead are corrected, and the clock of Postgres is
 * compared with the one of this process. Clocks that differ are logged once when that begins and
 * once when it ends.
 */
export function watchTimes(deps: Deps): { close(): void } {
  const { db, metrics, logger } = deps;
  let skewS = 0;
  let isSkewed = false;
  const help = 'The clock of Postgres is so far ahead of the clock of this store';
  metrics.gauge('kaha_store_database_clock_ahead_seconds', help, () => skewS);
  const compare = async (): Promise<void> => {
    const { rows } = await sql<{ now: string }>`select clock_timestamp() as now`.execute(db);
    skewS = (Date.parse((rows[0] as { now: string }).now) - Date.now()) / 1_000;
    if (Math.abs(skewS) > SKEW_S_MAX === isSkewed) return;
    isSkewed = !isSkewed;
    if (isSkewed) logger.error({ seconds: skewS }, 'the clock of Postgres differs from this one');
    else logger.info('the clock of Postgres is right again');
  };
  const round = (): Promise<void> =>
    compare()
      .then(() => healTimes(deps))
      .catch((error: unknown) => logger.debug({ err: error }, 'times not looked at'));
  let last = round();
  const timer = setInterval(() => {
    last = last.then(round);
  }, ROUND_MS);
  return { close: () => clearInterval(timer) };
}

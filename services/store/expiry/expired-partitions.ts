import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { readPartitions } from '../partitions/read-partitions.ts';
import { weekOf } from '../partitions/spans.ts';

type Limits = { hiddenMs: number; goneMs: number };

/** A pass clears what was sent before `passUntil`. */
export type Work = {
  name: string;
  passUntil: string;
  /** The partition is dropped after this pass, so its rows need not go one by one. */
  isWhole: boolean;
};

type Known = { name: string; clearedMs: number | null; passMs: number | null };

/**
 * Partitions of which all is past the retention time get their `deleted_at`, once for all of their
 * messages. It is taken back if the clock, or the retention time, says later that they are shown.
 */
export async function markExpired(
  db: Kysely<Database>,
  { hiddenMs }: Pick<Limits, 'hiddenMs'>,
): Promise<string[]> {
  await sql`update expired_partitions set deleted_at = null
    where until_at > ${toTime(hiddenMs)}::timestamptz and deleted_at is not null`.execute(db);
  const expired = (await readPartitions(db)).filter(({ untilMs }) => untilMs <= hiddenMs);
  const { rows } = await sql<{ name: string }>`
    insert into expired_partitions as e (name, from_at, until_at, deleted_at)
    select name, to_timestamp(from_ms / 1000), to_timestamp(until_ms / 1000), clock_timestamp()
    from unnest(${expired.map(({ name }) => name)}::text[],
      ${expired.map(({ fromMs }) => fromMs)}::float8[],
      ${expired.map(({ untilMs }) => untilMs)}::float8[]) as p (name, from_ms, until_ms)
    on conflict (name) do update set deleted_at = excluded.deleted_at where e.deleted_at is null
    returning name`.execute(db);
  return rows.map(({ name }) => name);
}

/**
 * Returns the oldest partition that has something to clear. A partition of a week is cleared as a
 * whole. Of one of a month, whatever weeks are over go first, one after the other. A pass rests if
 * the retention time was raised since it began: what is left of it is shown again.
 */
export async function findWork(
  db: Kysely<Database>,
  { goneMs }: Pick<Limits, 'goneMs'>,
): Promise<Work | undefined> {
  const { rows } = await sql<Known>`
    select name, 1000 * extract(epoch from cleared_until)::float8 as "clearedMs",
      1000 * extract(epoch from pass_until)::float8 as "passMs"
    from expired_partitions`.execute(db);
  const known = new Map(rows.map((row) => [row.name, row]));
  for (const { name, fromMs, untilMs, isDetaching } of await readPartitions(db)) {
    const { clearedMs, passMs } = known.get(name) ?? {};
    const overMs = weekOf(goneMs).fromMs;
    const passUntilMs = passMs ?? Math.min(untilMs, overMs);
    const isLeft = passUntilMs > Math.max(fromMs, clearedMs ?? fromMs);
    if (isDetaching || passUntilMs > overMs || !isLeft) continue;
    return { name, passUntil: toTime(passUntilMs), isWhole: passUntilMs >= untilMs };
  }
  return undefined;
}

/** The row is there before the first batch, so that batches can lock it. */
export async function noteWork(db: Kysely<Database>, { name, passUntil }: Work): Promise<void> {
  const partition = (await readPartitions(db)).find((one) => one.name === name);
  if (partition === undefined) return;
  const { fromMs, untilMs } = partition;
  await sql`insert into expired_partitions as e (name, from_at, until_at, pass_until)
    values (${name}, to_timestamp(${fromMs}::float8 / 1000),
      to_timestamp(${untilMs}::float8 / 1000), ${passUntil})
    on conflict (name) do update set pass_until = excluded.pass_until
      where e.pass_until is null
        and (e.cleared_until is null or e.cleared_until < excluded.pass_until)`.execute(db);
}

function toTime(ms: number): string {
  return new Date(ms).toISOString();
}

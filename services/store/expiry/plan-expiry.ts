import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { readPartitions } from '../partitions/read-partitions.ts';
import { weekOf } from '../partitions/spans.ts';
import { type ExpiryPolicy, limitsOf, stepsDaysOf } from './expiry-policy.ts';

type Counts = { messages: number; keys: number; reactions: number; revisions: number };
/** This would go of one partition: all that is left of it, or the weeks that are over. */
type PlannedPartition = Counts & { name: string; isDropped: boolean };

export type ExpiryPlan = {
  now: string;
  /** Messages that were sent before this time are not shown, or all are shown. */
  hiddenBefore: string | undefined;
  partitions: PlannedPartition[];
  /** Texts of other messages, which people replaced or deleted before the grace. */
  revisions: number;
  steps: number;
};

/** Says what a run of retention would let go now. Nothing is changed. */
export async function planExpiry(db: Kysely<Database>, policy: ExpiryPolicy): Promise<ExpiryPlan> {
  const { rows: clock } = await sql<{ now: string }>`select clock_timestamp() as now`.execute(db);
  const { now } = clock[0] as { now: string };
  const limits = limitsOf(policy, Date.parse(now));
  const replacedBefore = sql`now() - make_interval(days => ${policy.graceDays}::int)`;
  const partitions: PlannedPartition[] = [];
  let counted = 0;
  for (const place of limits === undefined ? [] : await findPlaces(db, limits.goneMs)) {
    const { oldRevisions, ...counts } = await countIn(db, place, replacedBefore);
    counted += oldRevisions;
    partitions.push({ ...counts, name: place.name, isDropped: place.isDropped });
  }
  const { rows } = await sql<{ revisions: number; steps: number }>`
    select (select count(*) from message_revisions where replaced_at < ${replacedBefore})
        as revisions,
      (select count(*) from business_steps s
        where ${policy.days}::int > 0
          and at < now() - make_interval(days => ${stepsDaysOf(policy)}::int)
          and exists (select from business_steps newer
            where newer.business_id = s.business_id and newer.version > s.version)) as steps
    `.execute(db);
  const { revisions, steps } = rows[0] as (typeof rows)[number];
  const hiddenBefore = limits && new Date(limits.hiddenMs).toISOString();
  return { now, hiddenBefore, partitions, revisions: revisions - counted, steps };
}

type Place = { name: string; passUntil: string; isDropped: boolean };

/** Partitions that are cleared and not dropped yet have nothing to count any more. */
async function findPlaces(db: Kysely<Database>, goneMs: number): Promise<Place[]> {
  const { rows: cleared } = await sql<{ name: string; untilMs: number }>`
    select name, 1000 * extract(epoch from cleared_until)::float8 as "untilMs"
    from expired_partitions where cleared_until is not null`.execute(db);
  const clearedMs = new Map(cleared.map(({ name, untilMs }) => [name, untilMs]));
  return (await readPartitions(db)).flatMap(({ name, fromMs, untilMs }) => {
    const passUntilMs = Math.min(untilMs, weekOf(goneMs).fromMs);
    const isDropped = passUntilMs >= untilMs;
    const isLeft = passUntilMs > Math.max(fromMs, clearedMs.get(name) ?? fromMs);
    if (!isLeft && !isDropped) return [];
    return { name, passUntil: new Date(passUntilMs).toISOString(), isDropped };
  });
}

/** A pass that has begun has the rest of its partition to do. */
async function countIn(
  db: Kysely<Database>,
  { name, passUntil }: Place,
  replacedBefore: ReturnType<typeof sql>,
): Promise<Counts & { oldRevisions: number }> {
  const { rows } = await sql<Counts & { oldRevisions: number }>`
    with passing as materialized (
      select m.conversation_id, m.message_id, m.sender_id, m.client_msg_id
      from ${sql.table(name)} m left join expired_partitions e on e.name = ${name}
      where m.sent_at < ${passUntil}::timestamptz
        and m.sent_at >= coalesce(e.cleared_until, '-infinity')
        and (e.pass_conversation is null
          or (m.conversation_id, m.seq) > (e.pass_conversation, e.pass_seq))
    )
    select (select count(*) from passing) as messages,
      (select count(*) from passing p
        join message_keys k using (conversation_id, sender_id, client_msg_id)
        where k.message_id = p.message_id) as keys,
      (select count(*) from passing join reactions using (message_id)) as reactions,
      (select count(*) from passing join message_revisions using (message_id)) as revisions,
      (select count(*) from passing join message_revisions using (message_id)
        where replaced_at < ${replacedBefore}) as "oldRevisions"`.execute(db);
  return rows[0] as Counts & { oldRevisions: number };
}

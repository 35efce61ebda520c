import { type Kysely, sql, type Transaction } from 'kysely';
import type { ConversationId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { Job } from '../jobs/job-kind.ts';
import type { ContentPlace } from './content-place.ts';

/** A device queue holds events for 7 days. Who left earlier has nothing of the conversation. */
const QUEUED_DAYS = 8;

/**
 * Makes all that a conversation has said unreadable and invisible, in one transaction: its keys are
 * gone, everybody sees what comes next alone, and nothing is unread. Whoever writes next makes a
 * new key. The place of the job changes in the same transaction. So a message that is sent
 * afterwards stays, even if the process dies before it has answered. The result is undefined if
 * the conversation is gone.
 */
export function closeContent(
  db: Kysely<Database>,
  { job_id, subject }: Pick<Job, 'job_id' | 'subject'>,
): Promise<ContentPlace | undefined> {
  const id = subject as ConversationId;
  return db.transaction().execute(async (tx) => {
    const { rows: jobs } = await sql<{ place: object }>`
      select place from jobs where job_id = ${job_id} for update`.execute(tx);
    const known = jobs[0]?.place ?? {};
    if ('phase' in known) return known as ContentPlace;
    const { rows } = await sql<{ last_seq: number }>`
      select last_seq from conversations where conversation_id = ${id} for update`.execute(tx);
    const until = rows[0]?.last_seq;
    if (until === undefined) return undefined;
    await dropKeys(tx, id);
    await hide(tx, id, until);
    await listResyncs(tx, { jobId: job_id, id });
    const place: ContentPlace = { phase: 'resyncs', round: 1, until, user_ids: [] };
    await sql`update jobs set place = ${JSON.stringify(place)}::jsonb
      where job_id = ${job_id}`.execute(tx);
    return place;
  });
}

/** The rows stay, so that no later key has their generations. */
async function dropKeys(tx: Transaction<Database>, id: ConversationId): Promise<void> {
  await sql`update content_keys set wrapped = null
    where conversation_id = ${id} and wrapped is not null`.execute(tx);
}

/** The participants are locked in the order in which sends lock them. */
async function hide(tx: Transaction<Database>, id: ConversationId, until: number): Promise<void> {
  await sql`update conversations set title = null, description = null, version = version + 1,
      first_seq = ${until + 1}::bigint
    where conversation_id = ${id}`.execute(tx);
  await sql`select from participants where conversation_id = ${id}
    order by user_id for no key update`.execute(tx);
  await sql`update participants set
      first_visible_seq = greatest(first_visible_seq, ${until + 1}::bigint),
      delivered_seq = greatest(delivered_seq, ${until}::bigint),
      read_seq = greatest(read_seq, ${until}::bigint)
    where conversation_id = ${id}`.execute(tx);
  // What tells a user that they left shows the conversation as it was.
  await sql`update outbox set payload = payload #- '{left,title}' #- '{left,description}'
    where conversation_id = ${id} and payload ? 'left'`.execute(tx);
}

type Resyncs = { jobId: Job['job_id']; id: ConversationId };

/** The device queues of these users may hold what the conversation said. */
export async function listResyncs(db: Kysely<Database>, { jobId, id }: Resyncs): Promise<void> {
  await sql`insert into job_resyncs (job_id, user_id)
    select ${jobId}::uuid, user_id from participants
    where conversation_id = ${id}
      and (left_at is null or left_at > now() - interval '${sql.raw(String(QUEUED_DAYS))} days')
    on conflict do nothing`.execute(db);
}

import { type Kysely, sql } from 'kysely';
import type { EraseContent, JobBegun } from '../../../shared/contracts/jobs/erasures.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { Database } from '../database/schema.ts';
import { beginJob } from '../jobs/begin-job.ts';

/**
 * `conversations.erase_content` begins the job that erases all that a conversation has said by now.
 * A repeat lets a job that is under way begin anew, because more may have been said since. Refusal:
 * CONVERSATION_NOT_FOUND.
 */
export function eraseContent(
  db: Kysely<Database>,
  { conversation_id: subject, service }: EraseContent,
): Promise<JobBegun> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      select from conversations where conversation_id = ${subject}`.execute(tx);
    if (rows.length === 0) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
    return beginJob(tx, { kind: 'erase_content', subject, service, beginsAnew: true });
  });
}

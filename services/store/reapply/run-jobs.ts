import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { JobLease, JobTask } from '../../../shared/contracts/jobs/jobs.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Database } from '../database/schema.ts';
import type { Operations } from '../operations.ts';

type Deps = { db: Kysely<Database>; operations: Operations; tell: (line: string) => void };

const LEASE_MS = 60_000;
const AT_ONCE = 8;
const CLAIMED_MAX = 100;
const TASK_MS = 10_000;
/** These refusals say that the task was done before. */
const DONE_BEFORE: readonly KahaError['code'][] = [
  'NOT_A_PARTICIPANT',
  'NOT_FOUND',
  'CONVERSATION_NOT_FOUND',
];

/**
 * Runs all jobs that are not done, here, because no router can while stores serve nothing. The
 * result says how many went wrong. Each stays where it is, and a repeat goes on there.
 */
export async function runJobs({ db, operations, tell }: Deps): Promise<number> {
  await sql`update jobs set due_at = now(), lease_id = null, tries = 0, state = 'running'
    where state <> 'done'`.execute(db);
  let failed = 0;
  for (;;) {
    const claim = { limit: CLAIMED_MAX, lease_ms: LEASE_MS };
    const { jobs } = await operations['jobs.claim'](claim, steadyMs() + TASK_MS);
    if (jobs.length === 0) return failed;
    await forEachBounded(jobs, AT_ONCE, async (lease) => {
      try {
        await runJob(operations, lease);
        tell(`job ${lease.job_id} done`);
      } catch (error) {
        failed += 1;
        const { code, message } = KahaError.from(error);
        tell(`job ${lease.job_id} failed: ${code} ${message}`);
      }
    });
  }
}

async function runJob(operations: Operations, lease: JobLease): Promise<void> {
  let carriedOut: number | undefined;
  for (;;) {
    const asked = {
      ...lease,
      lease_ms: LEASE_MS,
      ...(carriedOut !== undefined && { carried_out: carriedOut }),
    };
    const step = await operations['jobs.step'](asked, steadyMs() + TASK_MS);
    if (step.state === 'done') return;
    if (step.state !== 'running') throw new KahaError('CONFLICT', 'Another process runs the job');
    for (const task of step.tasks) await carryOut(operations, task);
    carriedOut = step.step;
    if (step.wait_ms !== undefined) await delay(step.wait_ms);
  }
}

/**
 * Sessions and device queues are not restored with the database, so nothing of what was erased came
 * back there.
 */
async function carryOut(operations: Operations, task: JobTask): Promise<void> {
  const deadlineAt = steadyMs() + TASK_MS;
  try {
    if (task.task === 'remove_agent') {
      const { business_id, user_id } = task;
      const request = { asker: 'service' as const, business_id, user_id };
      await operations['businesses.remove_agent'](request, deadlineAt);
    } else if (task.task === 'leave' || task.task === 'close') {
      await operations['conversations.change'](commandOf(task), deadlineAt);
    }
  } catch (error) {
    if (!DONE_BEFORE.includes(KahaError.from(error).code)) throw error;
  }
}

function commandOf(task: Extract<JobTask, { task: 'leave' | 'close' }>): ConversationCommand {
  const { conversation_id } = task;
  if (task.task === 'leave') {
    const { user_id } = task;
    return { op: 'conversations.remove', conversation_id, user_id, participant_id: user_id };
  }
  const user_id = task.business_id as string as UserId;
  return { op: 'conversations.end', conversation_id, user_id };
}

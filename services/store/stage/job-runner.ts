import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { JobLease, JobStep, JobTask } from '../../../shared/contracts/jobs/jobs.ts';
import type { JobId, UserId } from '../../../shared/ids.ts';
import type { StoreParts, setStage } from './store-stage.ts';

type Sql = Awaited<ReturnType<typeof setStage>>['sql'];
type Running = {
  store: StoreParts;
  sql: Sql;
  /** Hears of each task before it is done, and may throw to end this run as if it had died. */
  before?: (task: JobTask) => void;
  /** Runs after each step, and may throw likewise. */
  after?: (step: JobStep) => void;
};

const LEASE_MS = 60_000;

/** Runs a job to its end, as a router does. The result has the tasks that were done. */
export async function runJob(jobId: JobId, { store, sql, before, after }: Running) {
  const { operations } = store;
  await sql('update jobs set due_at = now() where job_id = $1', [jobId]);
  const { jobs } = await operations['jobs.claim']({ limit: 100, lease_ms: LEASE_MS }, 0);
  const lease = jobs.find(({ job_id }) => job_id === jobId) as JobLease;
  const done: JobTask[] = [];
  let carried_out: number | undefined;
  for (;;) {
    const asked = {
      ...lease,
      lease_ms: LEASE_MS,
      ...(carried_out !== undefined && { carried_out }),
    };
    const step = await operations['jobs.step'](asked, 0);
    after?.(step);
    if (step.state !== 'running') return done;
    for (const task of step.tasks) {
      before?.(task);
      await carryOut(store, task);
      done.push(task);
    }
    // What is owed to users is brought to them at once.
    if (step.wait_ms !== undefined) await sql('delete from outbox');
    carried_out = step.step;
  }
}

/** Sessions and device queues are not in store. */
async function carryOut({ operations }: StoreParts, task: JobTask): Promise<void> {
  const change = (command: ConversationCommand) => operations['conversations.change'](command, 0);
  switch (task.task) {
    case 'leave': {
      const { conversation_id, user_id } = task;
      const who = { conversation_id, user_id, participant_id: user_id };
      await change({ op: 'conversations.remove', ...who });
      break;
    }
    case 'close': {
      const { conversation_id, business_id } = task;
      const user_id = business_id as string as UserId;
      await change({ op: 'conversations.end', conversation_id, user_id });
      break;
    }
    case 'remove_agent': {
      const { business_id, user_id } = task;
      await operations['businesses.remove_agent']({ asker: 'service', business_id, user_id }, 0);
      break;
    }
    default:
  }
}

/** Begins the erasure of a user and runs it to its end. */
export async function erase(user_id: UserId, running: Running) {
  const { operations } = running.store;
  const { job_id } = await operations['users.erase']({ user_id, service: 'test' }, 0);
  return { job_id, tasks: await runJob(job_id, running) };
}

/** Returns the tables in which a text stands anywhere in clear. */
export async function tablesWith(sql: Sql, text: string): Promise<string[]> {
  const tables = await sql<{ name: string }>(
    `select relname as name from pg_class where relkind in ('r', 'p') and not relispartition
      and relnamespace = 'public'::regnamespace order by 1`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await sql(`select 1 from ${name} as r where r::text like $1 limit 1`, [
      `%${text}%`,
    ]);
    if (rows.length > 0) found.push(name);
  }
  return found;
}

import type { Test } from 'tap';
import type { Desk } from '../stage/desk.ts';
import type { System } from '../stage/stack.ts';
import type { Crowd } from './crowd.ts';
import { StepLog } from './step-log.ts';

type Row = {
  conversation_id: string;
  customer_id: string;
  state: string;
  assignee_id: string | null;
  opened_at: Date | null;
  unanswered_since: Date | null;
  agents: string[];
  is_of_agent: boolean;
};

/** Checks what a crowd has left: all that the protocol promises of an assignment holds. */
export async function checkBusinesses(t: Test, system: System, crowd: Crowd): Promise<void> {
  const { staff, sent, faults } = crowd;
  t.same(faults.slice(0, 5), [], 'no answer is without a reason');
  for (const desk of staff.desks) await checkBusiness(t, system, { desk, crowd });
  const [stored] = await system.sql<{ count: number }>(
    'select count(*)::int as count from messages where client_msg_id = any($1)',
    [sent],
  );
  t.equal(stored?.count, sent.length, 'each acknowledged message is there once');
}

async function checkBusiness(
  t: Test,
  system: System,
  { desk, crowd }: { desk: Desk; crowd: Crowd },
): Promise<void> {
  const rows = await system.sql<Row>(
    `select c.conversation_id, c.customer_id, c.state, c.assignee_id, c.opened_at,
      c.unanswered_since,
      (select coalesce(array_agg(p.user_id::text), '{}') from participants p
        where p.conversation_id = c.conversation_id and p.left_at is null
          and p.user_id <> c.customer_id) as agents,
      exists (select from business_agents a
        where a.business_id = c.business_id and a.user_id = c.assignee_id) as is_of_agent
    from conversations c where c.business_id = $1`,
    [desk.id],
  );
  const steps = await desk.steps();
  const customers = new Map(rows.map((row) => [row.conversation_id, row.customer_id]));
  const { absences } = crowd.staff;
  const wasGone = (agent: string, atMs: number): boolean => absences.has(desk.id, agent, atMs);
  const log = new StepLog(steps, { customers, wasGone });
  t.same(log.faults.slice(0, 5), [], `the ${steps.length} steps are in order`);
  const wrong = rows.filter((row) => {
    const { state = 'closed', holder = null } = log.stateOf(row.conversation_id) ?? {};
    const agents = holder === null ? [] : [holder];
    const isSame = row.state === state && row.assignee_id === holder;
    return !isSame || row.agents.join() !== agents.join() || (holder !== null && !row.is_of_agent);
  });
  t.same(wrong.slice(0, 5), [], `the ${rows.length} conversations are as the log says`);
  const lost = rows.filter(({ state, unanswered_since }) => state === 'closed' && unanswered_since);
  t.same(lost.slice(0, 5), [], 'nothing unanswered is closed');
}

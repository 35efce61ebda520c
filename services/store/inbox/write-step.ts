import { sql, type Transaction } from 'kysely';
import type { InboxChange, InboxOwner, StepReason } from '../../../shared/contracts/inbox.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { Database } from '../database/schema.ts';
import { toReaderRecord } from '../records/conversation-record.ts';
import type { ConversationRow, LoadedConversation } from '../records/conversation-rows.ts';
import { present } from '../records/present.ts';

/** A step has changed the state or the agent of a business conversation, or a message came. */
export type Step = {
  before: ConversationRow;
  after: LoadedConversation;
  change: InboxChange['change'];
  reason: StepReason;
  /** Is absent if nobody took the step: it was automatic. */
  actorId?: UserId;
  /** The agent who got the conversation has `open` ones of at most `capacity`, this one counted. */
  load?: { open: number; capacity: number };
};

type Steps = { businessId: BusinessId; steps: readonly Step[]; cipher: ContentCipher };

/**
 * Numbers the steps of a business, logs them, and makes a router look at the business if a step may
 * have made an assignment possible. Nothing else writes the log or the version of an inbox. The
 * caller has written the conversations. It holds their locks, and of the agents who got one.
 *
 * The inbox is the last row that a transaction locks, so that steps of one business wait for each
 * other as shortly as possible. The log's times have the order of its versions, because the clock
 * is read under that lock.
 */
export async function writeSteps(
  tx: Transaction<Database>,
  { businessId, steps, cipher }: Steps,
): Promise<InboxChange[]> {
  if (steps.length === 0) return [];
  const isDue = steps.some(isDueBy);
  // These agents are given the next ones last.
  const gainers = steps.flatMap((step) => gainerOf(step) ?? []);
  const logged = steps.map(toLogRow).filter(({ step }) => step !== 'updated');
  const column = <Name extends keyof LogRow>(name: Name) => logged.map((row) => row[name]);
  const { rows } = await sql<{ version: number; now: string }>`
    with inbox as (
      insert into business_inboxes as i (business_id, version, due_at)
      values (${businessId}, ${steps.length}::int, ${isDue ? CLOCK : null})
      on conflict (business_id) do update set version = i.version + excluded.version,
        due_at = ${isDue ? sql`least(i.due_at, ${CLOCK})` : sql`i.due_at`}
      returning version
    ), given as (
      update business_agents set last_assigned_at = ${CLOCK}
      where business_id = ${businessId} and user_id = any(${gainers}::uuid[])
    ), log as (
      insert into business_steps (business_id, version, conversation_id, at, step, reason,
        actor_id, agent_id, from_agent_id, waiting_since, open, capacity)
      select ${businessId}, inbox.version - ${steps.length}::int + nth, conversation_id, ${CLOCK},
        step, reason, actor_id, agent_id, from_agent_id, waiting_since, open, capacity
      from inbox, unnest(${column('nth')}::int[], ${column('conversation_id')}::uuid[],
        ${column('step')}::text[], ${column('reason')}::text[], ${column('actor_id')}::uuid[],
        ${column('agent_id')}::uuid[], ${column('from_agent_id')}::uuid[],
        ${column('waiting_since')}::timestamptz[], ${column('open')}::int[],
        ${column('capacity')}::int[]) as steps (nth, conversation_id, step, reason, actor_id,
          agent_id, from_agent_id, waiting_since, open, capacity)
    )
    select version, ${CLOCK} as now from inbox`.execute(tx);
  const { version, now } = rows[0] as { version: number; now: string };
  return steps.map((step, index) => {
    const place = { version: version - steps.length + 1 + index, now };
    return toChange(businessId, step, { ...place, cipher });
  });
}

const CLOCK = sql<string>`date_trunc('milliseconds', clock_timestamp())`;

/**
 * A conversation that waits anew can be given out, and so can others when an agent loses one. One
 * that is given out by hand may go to an agent who is away, and a router has to look when it goes
 * back. What a router itself gives out makes nothing possible.
 */
function isDueBy(step: Step): boolean {
  if (step.change === 'updated') return false;
  const isWaiting = step.after.conversation.state === 'waiting';
  return isWaiting || loserOf(step) !== null || (gainerOf(step) !== null && step.reason !== 'auto');
}

type LogRow = ReturnType<typeof toLogRow>;

function toLogRow(step: Step, index: number) {
  const { before, after, change, reason, actorId, load } = step;
  return {
    nth: index + 1,
    conversation_id: before.conversation_id,
    step: change,
    reason,
    actor_id: actorId ?? null,
    agent_id: gainerOf(step),
    from_agent_id: loserOf(step),
    waiting_since: after.conversation.waiting_since ?? before.waiting_since,
    open: load?.open ?? null,
    capacity: load?.capacity ?? null,
  };
}

function gainerOf({ before, after: { conversation } }: Step): UserId | null {
  return conversation.assignee_id === before.assignee_id ? null : conversation.assignee_id;
}

function loserOf({ before, after: { conversation } }: Step): UserId | null {
  return conversation.assignee_id === before.assignee_id ? null : before.assignee_id;
}

type Place = { version: number; now: string; cipher: ContentCipher };

function toChange(
  business_id: BusinessId,
  step: Step,
  { version, now, cipher }: Place,
): InboxChange {
  const { before, after, change, reason } = step;
  const { conversation_id, waiting_since: waited, opened_at: opened } = before;
  const msSince = (time: string) => Math.max(Date.parse(now) - Date.parse(time), 0);
  return {
    business_id,
    version,
    change,
    conversation_id,
    before: ownerOf(before),
    after: ownerOf(after.conversation),
    record: toReaderRecord(after, cipher),
    is_due: isDueBy(step),
    reason,
    ...(change === 'assigned' && waited !== null && { waited_ms: msSince(waited) }),
    ...(change === 'closed' && opened !== null && { resolution_ms: msSince(opened) }),
  };
}

export function ownerOf(conversation: ConversationRow): InboxOwner {
  const { state, customer_id } = conversation;
  if (state === null || customer_id === null) throw new Error('not of a business');
  return { state, customer_id, ...present(conversation, ['assignee_id', 'last_agent_id']) };
}

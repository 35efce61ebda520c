import { type Selectable, sql, type Transaction } from 'kysely';
import type { AgentRecord } from '../../../shared/contracts/businesses.ts';
import type { StepCommand } from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { BusinessSettings } from '../../../shared/protocol/business-shapes.ts';
import { toSettings } from '../businesses/settings-row.ts';
import type { BusinessesTable, Database } from '../database/schema.ts';
import type { ConversationRow, ParticipantRow } from '../records/conversation-rows.ts';
import { fromJson } from '../records/json-rows.ts';
import { sentAfter } from '../records/sent-after.ts';

/** A step is judged by this of its business. */
export type LockedBusiness = {
  settings: BusinessSettings;
  /** The caller is no agent without a role. */
  role: AgentRecord['role'] | undefined;
  /** This agent is to get the conversation, or to lose it because they are away. */
  agent: LockedAgent | undefined;
};
export type LockedAgent = Selectable<Database['business_agents']> & {
  is_available: boolean;
  /** `open` counts the conversations that the agent has. */
  open: number;
};

/** Says whether it is the turn of a waiting conversation to be given to an agent. */
export type Turn = {
  /** An older conversation waits that the same agent could have. */
  hasOlder: boolean;
  /** Another agent, who had the conversation last, is available. */
  isAwaited: boolean;
};

type LockedStep = {
  conversation: ConversationRow;
  participants: ParticipantRow[];
  at: string;
  now: string;
  business: LockedBusiness | undefined;
  turn: Turn | undefined;
};

/** The SQL function answers in this shape. */
type Locked = {
  /** A conversation of people has none, and so has a business of which nothing is set. */
  business: {
    settings: Selectable<BusinessesTable>;
    role: AgentRecord['role'] | null;
    agent: LockedAgent | null;
  } | null;
  conversation: ConversationRow;
  participants: ParticipantRow[];
  now: string;
  turn: Turn | null;
};

/**
 * A step locks all that judges it with one call of an SQL function. Everybody locks in this order:
 * business, agents by user id, conversations by id, participants by user id, inbox. Who changes
 * agents locks the business for update, so who is an agent, and in which role, stays as it is until
 * the step is committed. Each assignment locks its agent, so no two assignments take the agent's
 * last place.
 *
 * An automatic assignment locks the inbox too before it looks for older conversations, so that none
 * comes to wait, and none is given out, until the assignment is committed.
 */
export async function lockStep(
  tx: Transaction<Database>,
  command: StepCommand,
): Promise<LockedStep> {
  const { conversation_id: id, op } = command;
  const { agentId = null, callerId = null } = namedBy(command);
  const inTurn = op === 'conversations.assign_waiting';
  const { rows } = await sql<{ locked: Locked | null }>`
    select lock_step(${id}, ${callerId}, ${agentId}, ${inTurn}) as locked`.execute(tx);
  const locked = rows[0]?.locked ?? undefined;
  if (locked === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  const { now } = fromJson({ now: locked.now });
  const conversation = fromJson(locked.conversation);
  return {
    conversation,
    participants: locked.participants.map(fromJson),
    ...{ now, at: sentAfter(conversation.last_sent_at, now) },
    business: locked.business === null ? undefined : toBusiness(locked.business),
    turn: locked.turn ?? undefined,
  };
}

function toBusiness({ settings, role, agent }: NonNullable<Locked['business']>): LockedBusiness {
  return {
    settings: toSettings(settings),
    role: role ?? undefined,
    agent: agent === null ? undefined : fromJson(agent),
  };
}

/** Counts the conversations that an agent has, and may have. */
export function placesOf(
  { capacity }: BusinessSettings,
  agent: LockedAgent,
): { capacity: number; open: number } {
  return { capacity: agent.capacity ?? capacity, open: agent.open };
}

/** A caller who names nobody is to get the conversation. Automatic steps have no caller. */
function namedBy(command: StepCommand): { agentId?: UserId; callerId?: UserId } {
  const { user_id: callerId } = command;
  switch (command.op) {
    case 'conversations.assign':
      return { agentId: command.agent_id ?? callerId, callerId };
    case 'conversations.assign_waiting':
    case 'conversations.return':
      return { agentId: command.agent_id };
    default:
      return { callerId };
  }
}

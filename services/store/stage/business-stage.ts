import type {
  ConversationCommand,
  ConversationCommands,
} from '../../../shared/contracts/conversations.ts';
import type { ConversationChanged } from '../../../shared/contracts/outbox.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import type { AgentInput } from '../../../shared/protocol/business-requests.ts';
import type { StoreParts } from './store-stage.ts';

type BusinessStage = { business: BusinessId; manager: UserId; agents: UserId[] };

/** Makes a business with one manager and so many agents. */
export async function makeBusiness(
  { operations }: StoreParts,
  { agents: count = 2, capacity }: { agents?: number; capacity?: number } = {},
): Promise<BusinessStage> {
  const business = newId<BusinessId>();
  const manager = newId<UserId>();
  const agents = Array.from({ length: count }, () => newId<UserId>());
  const of = { asker: 'service' as const, business_id: business };
  if (capacity !== undefined) {
    const settings = { time_zone: 'UTC', capacity };
    await operations['businesses.set_settings']({ ...of, settings }, 0);
  }
  const all: AgentInput[] = [{ user_id: manager, role: 'manager' }];
  all.push(...agents.map((user_id) => ({ user_id })));
  await operations['businesses.set_agents']({ ...of, agents: all }, 0);
  return { business, manager, agents };
}

/** Makes the conversation of a new customer with a business. It is closed. */
export async function makeConversation(
  { operations }: StoreParts,
  business_id: BusinessId,
  user_id = newId<UserId>(),
): Promise<{ id: ConversationId; customer: UserId }> {
  const conversation = { type: 'business' as const, business_id };
  const { record } = await operations['conversations.create']({ user_id, conversation }, 0);
  return { id: record.conversation_id, customer: user_id };
}

type Person = { user: UserId; id: ConversationId };
export type Step = 'assign' | 'release' | 'close' | 'reopen';

/** The result takes a step for a user. */
export function stepTaker({ operations }: StoreParts) {
  return <Op extends Step>(
    { user, id }: Person,
    step: Op,
    rest?: ConversationCommands[`conversations.${Op}`],
  ): Promise<ConversationChanged> => {
    const place = { user_id: user, conversation_id: id };
    const command = { op: `conversations.${step}`, ...place, ...(rest as object) };
    return operations['conversations.change'](command as ConversationCommand, 0);
  };
}

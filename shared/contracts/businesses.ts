import type { BusinessId, UserId } from '../ids.ts';
import type {
  AgentInput,
  AgentStatus,
  AgentsRequest,
  AvailabilityRequest,
  BusinessSettingsInput,
} from '../protocol/business-requests.ts';
import type { AgentShape, BusinessSettings } from '../protocol/business-shapes.ts';

/** Services hand businesses and their agents to each other in these shapes. */

/** A user asks about a business, or a service, which has a token of its own and is no user. */
export type BusinessAsker = UserId | 'service';
export type OfBusiness = { asker: BusinessAsker; business_id: BusinessId };
export type AgentsList = { asker: BusinessAsker } & AgentsRequest;

/** Store does not know who is online, so edges add `is_available`. */
export type AgentRecord = Omit<AgentShape, 'is_available'>;
export type AgentsPage = { agents: AgentRecord[]; next_cursor: string | null };
type StatusInput = { user_id: UserId } & AvailabilityRequest;

/**
 * Managers and services change a business. Store judges each command in the transaction that
 * carries it out. FORBIDDEN refuses all others, whether there is such a business or not.
 */
export type BusinessCommands = {
  'businesses.set_settings': [OfBusiness & { settings: BusinessSettingsInput }, BusinessSettings];
  /** The command dismisses agents whom it does not name. The answer is the first page. */
  'businesses.set_agents': [OfBusiness & { agents: AgentInput[] }, AgentsPage];
  'businesses.set_agent': [OfBusiness & { agent: AgentInput }, AgentRecord];
  'businesses.remove_agent': [OfBusiness & { user_id: UserId }, undefined];
  /** Agents and managers set the status of themselves alone. */
  'businesses.set_status': [StatusInput, { status: AgentStatus }];
};

/**
 * `agents` are those who say that they are available, the last one to say so first. Store does not
 * know who of them is online. A business that is closed, or of which nothing is set, has none.
 */
export type BusinessOpening = {
  business_id: BusinessId;
  opens_at?: string;
  agents: UserId[];
};

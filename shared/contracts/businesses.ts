import type { Static } from 'typebox';
import type { BusinessId, UserId } from '../ids.ts';
import type {
  AgentInput,
  AgentsRequest,
  AvailabilityRequest,
  BusinessSettingsInput,
} from '../protocol/business-requests.ts';
import type {
  AgentShape,
  AvailabilityShape,
  BusinessSettings,
} from '../protocol/business-shapes.ts';
import type { ReturnedConversations } from './outbox.ts';

/** Services hand businesses and their agents to each other in these shapes. */

/** A user asks about a business, or a service, which has a token of its own and is no user. */
export type BusinessAsker = UserId | 'service';
export type OfBusiness = { asker: BusinessAsker; business_id: BusinessId };
export type AgentsList = { asker: BusinessAsker } & AgentsRequest;

export type AgentRecord = AgentShape;
export type AgentsPage = { agents: AgentRecord[]; next_cursor: string | null };
export type Availability = Static<typeof AvailabilityShape>;
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
  'businesses.set_status': [StatusInput, Availability];
};

type Removing = 'businesses.set_agents' | 'businesses.remove_agent';
type Returning = { returned?: ReturnedConversations };
/** Store also tells a router what had the agents who are none any more. An edge is not told. */
export type BusinessChanges = Omit<BusinessCommands, Removing> & {
  'businesses.set_agents': [BusinessCommands['businesses.set_agents'][0], AgentsPage & Returning];
  'businesses.remove_agent': [BusinessCommands['businesses.remove_agent'][0], Returning];
};

/** An edge tells which users have come and gone, of whom some may be agents, at most 1000. */
export type PresenceReport = { changes: { user_id: UserId; is_online: boolean }[] };

/**
 * A business is online while it is open and one of its agents is available. All this may change by
 * itself after `changes_in_ms`. A business of which nothing is set is open and has no agent.
 */
export type BusinessOpening = {
  business_id: BusinessId;
  is_online: boolean;
  opens_at?: string;
  changes_in_ms?: number;
};

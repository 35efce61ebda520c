import type { ChatApi } from '../chat-api.ts';
import type {
  Agent,
  AgentInput,
  AgentsPage,
  BusinessSettings,
  BusinessSettingsInput,
} from '../protocol/businesses.ts';
import type { AgentStatus, Availability, InboxView } from '../protocol/requests.ts';
import type { Conversation } from '../protocol/shapes.ts';
import { InboxList } from './inbox-list.ts';

/** Does what agents and managers of businesses do, on a client of theirs. */
export class Businesses {
  readonly #chat: ChatApi;

  constructor(chat: ChatApi) {
    this.#chat = chat;
  }

  /** One view of the inbox of a business, which is kept up to date while somebody watches it. */
  inbox(businessId: string, view: InboxView): InboxList {
    return new InboxList(this.#chat, businessId, view);
  }

  /** Takes a waiting conversation, or gives one to an agent. */
  assign(
    conversationId: string,
    to: { agent_id?: string; force?: boolean } = {},
  ): Promise<Conversation> {
    return this.#step('assign', { conversation_id: conversationId, ...to });
  }

  /** Gives a conversation back, so that it waits again. */
  release(conversationId: string): Promise<Conversation> {
    return this.#step('release', { conversation_id: conversationId });
  }

  close(conversationId: string): Promise<Conversation> {
    return this.#step('close', { conversation_id: conversationId });
  }

  reopen(conversationId: string): Promise<Conversation> {
    return this.#step('reopen', { conversation_id: conversationId });
  }

  /** Tells whether the user, an agent of the business, takes new conversations. */
  setAvailability(businessId: string, status: AgentStatus): Promise<Availability> {
    return this.#chat.command('availability', { business_id: businessId, status });
  }

  async settings(businessId: string): Promise<BusinessSettings> {
    return (await this.#chat.rest('GET', `/businesses/${businessId}`)) as BusinessSettings;
  }

  async setSettings(
    businessId: string,
    settings: BusinessSettingsInput,
  ): Promise<BusinessSettings> {
    const answer = await this.#chat.rest('PUT', `/businesses/${businessId}`, settings);
    return answer as BusinessSettings;
  }

  async agents(businessId: string, cursor?: string): Promise<AgentsPage> {
    const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const path = `/businesses/${businessId}/agents${query}`;
    return (await this.#chat.rest('GET', path)) as AgentsPage;
  }

  /** Adds an agent, or replaces role and capacity of one. */
  async setAgent(businessId: string, { user_id, ...agent }: AgentInput): Promise<Agent> {
    const path = `/businesses/${businessId}/agents/${user_id}`;
    return (await this.#chat.rest('PUT', path, agent)) as Agent;
  }

  async removeAgent(businessId: string, userId: string): Promise<void> {
    await this.#chat.rest('DELETE', `/businesses/${businessId}/agents/${userId}`);
  }

  #step(
    step: 'assign' | 'release' | 'close' | 'reopen',
    request: { conversation_id: string },
  ): Promise<Conversation> {
    return this.#chat.command(step, request);
  }
}

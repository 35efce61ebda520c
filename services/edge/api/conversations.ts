import type { ConversationsList, InConversation } from '../../../shared/contracts/conversations.ts';
import type {
  ConversationCreated,
  ConversationPage,
} from '../../../shared/contracts/router-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import {
  type ConversationInputBody,
  type ConversationUpdateBody,
  type MuteBody,
  type ParticipantsBody,
  participantsProblem,
  readMuteUntil,
} from '../../../shared/protocol/conversation-input.ts';
import type { ConversationShape } from '../../../shared/protocol/shapes.ts';
import type { RouterClient } from '../routers/router-client.ts';

/** What sockets and REST do with conversations; the router composes what is shown. */
export class Conversations {
  readonly #routers: RouterClient;

  constructor(routers: RouterClient) {
    this.#routers = routers;
  }

  create(
    userId: UserId,
    conversation: ConversationInputBody,
    trace?: string,
  ): Promise<ConversationCreated> {
    const problem = participantsProblem(conversation, userId);
    if (problem !== undefined) return Promise.reject(new KahaError('INVALID_REQUEST', problem));
    const request = { user_id: userId, conversation };
    return this.#routers.ask('conversations.create', request, { key: userId, trace });
  }

  get(place: InConversation, trace?: string): Promise<ConversationShape> {
    return this.#routers.ask('conversations.get', place, routeOf(place, trace));
  }

  list(query: ConversationsList, trace?: string): Promise<ConversationPage> {
    return this.#routers.ask('conversations.list', query, { key: query.user_id, trace });
  }

  update(place: InConversation, body: ConversationUpdateBody, trace?: string) {
    const request = { ...place, ...body };
    return this.#routers.ask('conversations.update', request, routeOf(place, trace));
  }

  add(place: InConversation, body: ParticipantsBody, trace?: string) {
    const request = { ...place, ...body };
    return this.#routers.ask('conversations.add', request, routeOf(place, trace));
  }

  /** One's own id: to leave. */
  remove(place: InConversation, memberId: UserId, trace?: string) {
    const request = { ...place, member_id: memberId };
    return this.#routers.ask('conversations.remove', request, routeOf(place, trace));
  }

  archive(place: InConversation, trace?: string) {
    return this.#routers.ask('conversations.archive', place, routeOf(place, trace));
  }

  async mute(place: InConversation, { until }: MuteBody, trace?: string): Promise<void> {
    const read = until === undefined ? {} : readMuteUntil(until, Date.now());
    if (typeof read === 'string') throw new KahaError('INVALID_REQUEST', read);
    await this.#routers.ask('conversations.mute', { ...place, ...read }, routeOf(place, trace));
  }

  unmute(place: InConversation, trace?: string) {
    return this.#routers.ask('conversations.unmute', place, routeOf(place, trace));
  }
}

function routeOf({ conversation_id: key }: InConversation, trace: string | undefined) {
  return { key, trace };
}

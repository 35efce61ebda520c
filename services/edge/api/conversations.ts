import type {
  ConversationCommand,
  ConversationCreated,
  ConversationPage,
  ConversationsList,
  ConversationView,
  InConversation,
} from '../../../shared/contracts/rpc.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import {
  type ConversationInputBody,
  type ConversationUpdateBody,
  type MuteBody,
  type ParticipantsBody,
  participantsProblem,
  readMuteUntil,
} from '../../../shared/protocol/conversation-input.ts';
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
    const request = { op: 'conversations.create', user_id: userId, conversation } as const;
    return this.#routers.ask<ConversationCreated>({ key: userId, request, trace });
  }

  get(userId: UserId, conversationId: ConversationId, trace?: string): Promise<ConversationView> {
    const request = {
      op: 'conversations.get',
      user_id: userId,
      conversation_id: conversationId,
    } as const;
    return this.#routers.ask<ConversationView>({ key: conversationId, request, trace });
  }

  list(query: ConversationsList, trace?: string): Promise<ConversationPage> {
    const request = { op: 'conversations.list', ...query } as const;
    return this.#routers.ask<ConversationPage>({ key: query.user_id, request, trace });
  }

  update(place: InConversation, body: ConversationUpdateBody, trace?: string) {
    return this.#change<ConversationView>({ op: 'conversations.update', ...place, ...body }, trace);
  }

  add(place: InConversation, body: ParticipantsBody, trace?: string) {
    return this.#change<ConversationView>({ op: 'conversations.add', ...place, ...body }, trace);
  }

  /** One's own id: to leave. */
  remove(place: InConversation, memberId: UserId, trace?: string) {
    const command = { op: 'conversations.remove', ...place, member_id: memberId } as const;
    return this.#change<void>(command, trace);
  }

  archive(place: InConversation, trace?: string) {
    return this.#change<void>({ op: 'conversations.archive', ...place }, trace);
  }

  async mute(place: InConversation, { until }: MuteBody, trace?: string): Promise<void> {
    const read = until === undefined ? {} : readMuteUntil(until, Date.now());
    if (typeof read === 'string') throw new KahaError('INVALID_REQUEST', read);
    return await this.#change<void>({ op: 'conversations.mute', ...place, ...read }, trace);
  }

  unmute(place: InConversation, trace?: string) {
    return this.#change<void>({ op: 'conversations.unmute', ...place }, trace);
  }

  #change<Answer>(request: ConversationCommand, trace: string | undefined): Promise<Answer> {
    return this.#routers.ask<Answer>({ key: request.conversation_id, request, trace });
  }
}

import { KahaError } from '../../shared/errors.ts';
import type { ConversationId, UserId } from '../../shared/ids.ts';
import {
  type ConversationInputBody,
  participantsProblem,
} from '../../shared/protocol/conversation-input.ts';
import type {
  ConversationCreated,
  ConversationPage,
  ConversationsList,
  ConversationView,
} from '../../shared/rpc.ts';
import type { RouterClient } from './router-client.ts';

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
}

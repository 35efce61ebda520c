import { ConversationsQuery } from '../../../shared/protocol/page-queries.ts';
import { ConversationsShape } from '../../../shared/protocol/shapes.ts';
import type { Conversations } from '../api/conversations.ts';
import { Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function conversationListRoute(conversations: Conversations): Route {
  return defineRoute({
    method: 'GET',
    path: '/conversations',
    summary: "The caller's conversations, newest activity first",
    cost: 'read',
    params: Nothing,
    query: ConversationsQuery,
    response: ConversationsShape,
    async handle({ userId, query, trace }) {
      const page = await conversations.list({ user_id: userId, ...query }, trace);
      return { status: 200, body: page };
    },
  });
}

import { ConversationInputBody } from '../../../shared/protocol/conversation-input.ts';
import { ConversationShape } from '../../../shared/protocol/shapes.ts';
import type { Conversations } from '../api/conversations.ts';
import { Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

const CREATED = 201;
const EXISTED = 200;

export function conversationCreateRoute(conversations: Conversations): Route {
  return defineRoute({
    method: 'POST',
    path: '/conversations',
    summary: 'Makes a group, or the one direct conversation of two people',
    cost: 'other',
    params: Nothing,
    query: Nothing,
    body: ConversationInputBody,
    response: ConversationShape,
    statuses: { [CREATED]: 'Made', [EXISTED]: 'The direct conversation was there' },
    async handle({ userId, body, trace }) {
      const { conversation, created } = await conversations.create(userId, body, trace);
      return { status: created ? CREATED : EXISTED, body: conversation };
    },
  });
}

import { ParticipantsBody } from '../../../shared/protocol/conversation-input.ts';
import { ConversationShape } from '../../../shared/protocol/shapes.ts';
import type { Conversations } from '../api/conversations.ts';
import { ConversationParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function participantsAddRoute(conversations: Conversations): Route {
  return defineRoute({
    method: 'POST',
    path: '/conversations/:conversation_id/participants',
    summary: 'Adds people to a group, with or without what was said before; for its admins',
    cost: 'other',
    params: ConversationParams,
    query: Nothing,
    body: ParticipantsBody,
    response: ConversationShape,
    async handle({ userId, params, body, trace }) {
      const place = { user_id: userId, conversation_id: params.conversation_id };
      return { status: 200, body: await conversations.add(place, body, trace) };
    },
  });
}

import { MuteBody } from '../../../shared/protocol/conversation-input.ts';
import type { Conversations } from '../api/conversations.ts';
import { ConversationParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function conversationMuteRoute(conversations: Conversations): Route {
  return defineRoute({
    method: 'PUT',
    path: '/conversations/:conversation_id/mute',
    summary: 'Mutes the conversation for the caller, for ever or until a time',
    cost: 'other',
    params: ConversationParams,
    query: Nothing,
    body: MuteBody,
    isBodyOptional: true,
    response: null,
    async handle({ userId, params, body, trace }) {
      const place = { user_id: userId, conversation_id: params.conversation_id };
      await conversations.mute(place, body, trace);
      return { status: 204 };
    },
  });
}

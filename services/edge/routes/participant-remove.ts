import type { Conversations } from '../api/conversations.ts';
import { Nothing, ParticipantParams } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function participantRemoveRoute(conversations: Conversations): Route {
  return defineRoute({
    method: 'DELETE',
    path: '/conversations/:conversation_id/participants/:user_id',
    summary: 'Removes someone from a group; for its admins, or oneself to leave',
    cost: 'other',
    params: ParticipantParams,
    query: Nothing,
    response: null,
    async handle({ userId, params, trace }) {
      const place = { user_id: userId, conversation_id: params.conversation_id };
      await conversations.remove(place, params.user_id, trace);
      return { status: 204 };
    },
  });
}

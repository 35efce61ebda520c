import { ReactionsShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { Nothing, ReactionParams } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

/** Sets a reaction, and takes it back; the answer is the message's reactions. */
export function reactionRoutes(messages: Messages): Route[] {
  return [reactionRoute(messages, 'PUT'), reactionRoute(messages, 'DELETE')];
}

function reactionRoute(messages: Messages, method: 'PUT' | 'DELETE'): Route {
  return defineRoute({
    method,
    path: '/messages/:message_id/reactions/:emoji',
    summary: method === 'PUT' ? 'Reacts to a message' : 'Takes a reaction back',
    cost: 'send',
    params: ReactionParams,
    query: Nothing,
    response: ReactionsShape,
    async handle({ userId, params, trace }) {
      const reaction = { user_id: userId, ...params, remove: method === 'DELETE' };
      return { status: 200, body: await messages.react(reaction, trace) };
    },
  });
}

import { MessageShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { MessageParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

/** The answer is the tombstone. */
export function messageDeleteRoute(messages: Messages): Route {
  return defineRoute({
    method: 'DELETE',
    path: '/messages/:message_id',
    summary: 'Deletes a message; for its sender or an admin of the group',
    cost: 'send',
    params: MessageParams,
    query: Nothing,
    response: MessageShape,
    async handle({ userId, params, trace }) {
      const { message_id } = params;
      return { status: 200, body: await messages.delete({ user_id: userId, message_id }, trace) };
    },
  });
}

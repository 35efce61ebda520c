import type { Messages } from '../messages.ts';
import { MessageParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

/** The answer is the tombstone. */
export function messageDeleteRoute(messages: Messages): Route {
  return defineRoute({
    method: 'DELETE',
    path: '/messages/:message_id',
    cost: 'send',
    params: MessageParams,
    query: Nothing,
    async handle({ userId, params, trace }) {
      const { message_id } = params;
      return { status: 200, body: await messages.delete({ user_id: userId, message_id }, trace) };
    },
  });
}

import type { Messages } from '../messages.ts';
import { MessageParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function messageReadRoute(messages: Messages): Route {
  return defineRoute({
    method: 'PUT',
    path: '/messages/:message_id/read',
    cost: 'other',
    params: MessageParams,
    query: Nothing,
    async handle({ userId, params, trace }) {
      const named = { user_id: userId, message_id: params.message_id };
      return { status: 200, body: await messages.readMessage(named, trace) };
    },
  });
}

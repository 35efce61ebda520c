import { MessageShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { MessageParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function messageGetRoute(messages: Messages): Route {
  return defineRoute({
    method: 'GET',
    path: '/messages/:message_id',
    summary: 'One message',
    cost: 'read',
    params: MessageParams,
    query: Nothing,
    response: MessageShape,
    async handle({ userId, params, trace }) {
      const { message_id } = params;
      return { status: 200, body: await messages.get({ user_id: userId, message_id }, trace) };
    },
  });
}

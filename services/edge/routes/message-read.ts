import { ReadShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { MessageParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function messageReadRoute(messages: Messages): Route {
  return defineRoute({
    method: 'PUT',
    path: '/messages/:message_id/read',
    summary: "Raises the caller's read position to this message",
    cost: 'other',
    params: MessageParams,
    query: Nothing,
    response: ReadShape,
    async handle({ userId, params, trace }) {
      const named = { user_id: userId, message_id: params.message_id };
      return { status: 200, body: await messages.readMessage(named, trace) };
    },
  });
}

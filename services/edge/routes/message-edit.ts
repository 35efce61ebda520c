import { EditBody } from '../../../shared/protocol/message-input.ts';
import { MessageShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { MessageParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function messageEditRoute(messages: Messages): Route {
  return defineRoute({
    method: 'PATCH',
    path: '/messages/:message_id',
    summary: "Gives one's own message another content",
    cost: 'send',
    params: MessageParams,
    query: Nothing,
    body: EditBody,
    response: MessageShape,
    async handle({ userId, params, body, trace }) {
      const named = { user_id: userId, message_id: params.message_id };
      return { status: 200, body: await messages.edit(named, body.content, trace) };
    },
  });
}

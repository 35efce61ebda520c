import { KahaError } from '../../../shared/errors.ts';
import { HistoryQuery, historyProblem } from '../../../shared/protocol/page-queries.ts';
import { HistoryShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { ConversationParams } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function messageListRoute(messages: Messages): Route {
  return defineRoute({
    method: 'GET',
    path: '/conversations/:conversation_id/messages',
    summary: "A page of the conversation's messages, ascending",
    cost: 'read',
    params: ConversationParams,
    query: HistoryQuery,
    response: HistoryShape,
    async handle({ userId, params, query, trace }) {
      const problem = historyProblem(query);
      if (problem !== undefined) throw new KahaError('INVALID_REQUEST', problem);
      const { conversation_id } = params;
      const page = await messages.history({ user_id: userId, conversation_id, ...query }, trace);
      return { status: 200, body: page };
    },
  });
}

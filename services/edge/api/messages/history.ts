import { EXAMPLE, exampleHistory } from '../../../../shared/protocol/examples.ts';
import { HistoryRequest, historyProblem } from '../../../../shared/protocol/message-requests.ts';
import { HistoryShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

const FINER_THAN_MS = /\.\d{3}\d*[1-9]/;

/**
 * Shows a page of messages. A client may give `since` with or without fractions of a second, and
 * the store service gets it in milliseconds. A finer `since` is raised to the next millisecond, so
 * that no older message is shown.
 */
export const listHistory = defineOperation({
  summary: "Lists a page of the conversation's messages, ascending",
  cost: 'read',
  request: HistoryRequest,
  answer: HistoryShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation, after_seq: 6, limit: 50 },
    answer: exampleHistory,
  },
  problem: historyProblem,
  async handle({ since, ...query }, caller, { store, nameSystemMessages }) {
    const { userId, trace, deadlineAt } = caller;
    const from = since === undefined ? {} : { since: atLeast(since) };
    const request = { user_id: userId, ...query, ...from };
    const page = await store('messages.history', request, { trace, deadlineAt });
    const naming = nameSystemMessages(page.messages, caller);
    if (naming !== undefined) await naming;
    return page;
  },
  frame: { type: 'history' },
  rest: [{ method: 'GET', path: '/conversations/:conversation_id/messages' }],
});

function atLeast(time: string): string {
  const ms = Date.parse(time);
  return new Date(FINER_THAN_MS.test(time) ? ms + 1 : ms).toISOString();
}

import { HistoryFrame } from '../../../shared/protocol/client-frames.ts';
import { historyProblem } from '../../../shared/protocol/page-queries.ts';
import { HistoryShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { defineOperation, type Operation } from './operation.ts';

export function historyOperation(messages: Messages): Operation {
  return defineOperation({
    type: 'history',
    summary: "A page of the conversation's messages, ascending",
    cost: 'other',
    schema: HistoryFrame,
    answer: HistoryShape,
    problem: historyProblem,
    handle({ type: _type, id: _id, ...query }, { userId }) {
      return messages.history({ user_id: userId, ...query });
    },
  });
}

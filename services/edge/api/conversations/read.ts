import type { MessageId } from '../../../../shared/ids.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { ReadRequest, readProblem } from '../../../../shared/protocol/message-requests.ts';
import { ReadShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

export const readConversation = defineOperation({
  summary: "Raises the caller's read position",
  cost: 'other',
  request: ReadRequest,
  answer: ReadShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation, seq: 7 },
    answer: { last_read_seq: 7 },
  },
  problem: readProblem,
  async handle(request, { userId, trace, deadlineAt }, { routers }) {
    const { conversation_id } = request;
    const input = { user_id: userId, conversation_id, ...upTo(request) };
    return await routers.ask('read', input, { key: conversation_id, trace, deadlineAt });
  },
  frame: { type: 'read' },
});

function upTo({ seq, message_id }: ReadRequest): { seq: number } | { message_id: MessageId } {
  if (seq !== undefined) return { seq };
  if (message_id !== undefined) return { message_id };
  throw new Error('readProblem must refuse a request that names no message');
}

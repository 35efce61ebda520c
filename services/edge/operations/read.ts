import type { MessageId } from '../../../shared/ids.ts';
import { ReadFrame, readProblem } from '../../../shared/protocol/client-frames.ts';
import { ReadShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { defineOperation, type Operation } from './operation.ts';

export function readOperation(messages: Messages): Operation {
  return defineOperation({
    type: 'read',
    summary: "Raises the caller's read position",
    cost: 'other',
    schema: ReadFrame,
    answer: ReadShape,
    problem: readProblem,
    handle({ conversation_id, seq, message_id }, { userId }) {
      const place = { user_id: userId, conversation_id };
      return messages.read(
        seq === undefined ? { ...place, message_id: message_id as MessageId } : { ...place, seq },
      );
    },
  });
}

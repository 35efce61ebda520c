import type { MessageId } from '../../../shared/ids.ts';
import { ReadFrame, readProblem } from '../../../shared/protocol/client-frames.ts';
import type { Messages } from '../messages.ts';
import { defineOperation, type Operation } from './operation.ts';

export function readOperation(messages: Messages): Operation {
  return defineOperation({
    type: 'read',
    cost: 'other',
    schema: ReadFrame,
    problem: readProblem,
    handle({ conversation_id, seq, message_id }, { userId }) {
      const place = { user_id: userId, conversation_id };
      return messages.read(
        seq === undefined ? { ...place, message_id: message_id as MessageId } : { ...place, seq },
      );
    },
  });
}

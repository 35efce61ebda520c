import { ReactFrame } from '../../../shared/protocol/client-frames.ts';
import { emojiProblem } from '../../../shared/protocol/emoji.ts';
import { ReactionsShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { defineOperation, type Operation } from './operation.ts';

/** The answer is the message's reactions. */
export function reactOperation(messages: Messages): Operation {
  return defineOperation({
    type: 'react',
    summary: 'Reacts to a message, or takes that back',
    cost: 'send',
    schema: ReactFrame,
    answer: ReactionsShape,
    problem: ({ emoji }) => emojiProblem(emoji),
    async handle({ type: _type, id: _id, ...reaction }, { userId }) {
      return await messages.react({ user_id: userId, ...reaction });
    },
  });
}

import { KahaError } from '../../../../shared/errors.ts';
import { canonicalEmoji, emojiProblem } from '../../../../shared/protocol/emoji.ts';
import { EXAMPLE, exampleMessage } from '../../../../shared/protocol/examples.ts';
import { ReactRequest } from '../../../../shared/protocol/message-requests.ts';
import { ReactionsShape } from '../../../../shared/protocol/shapes.ts';
import { locateMessage } from '../../routers/locate-message.ts';
import { defineOperation } from '../operation.ts';

const path = '/messages/:message_id/reactions/:emoji';

/** Sets a reaction, or takes it back. The answer lists the reactions that the message then has. */
export const reactToMessage = defineOperation({
  summary: 'Reacts to a message, or takes that back',
  cost: 'send',
  request: ReactRequest,
  answer: ReactionsShape,
  example: {
    request: { message_id: EXAMPLE.message, emoji: '👍' },
    answer: { reactions: exampleMessage.reactions },
  },
  problem: ({ emoji }) => emojiProblem(emoji),
  async handle({ message_id, emoji: text, remove = false }, caller, parts) {
    const emoji = canonicalEmoji(text);
    if (emoji === undefined) throw new KahaError('INVALID_REQUEST', emojiProblem(text) ?? '');
    const { target, route } = await locateMessage(parts, caller, message_id);
    return await parts.routers.ask('messages.react', { ...target, emoji, remove }, route);
  },
  frame: { type: 'react' },
  rest: [
    { method: 'PUT', path, summary: 'Reacts to a message', fixed: { remove: false } },
    { method: 'DELETE', path, summary: 'Takes a reaction back', fixed: { remove: true } },
  ],
});

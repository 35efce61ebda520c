import t from 'tap';
import type {
  ConversationPage,
  ConversationView,
  HistoryMessage,
  HistoryPage,
  MessageSent,
} from '../contracts/rpc.ts';
import { newId } from '../ids.ts';
import { serverFrames } from './server-frames.ts';
import type {
  ConversationShape,
  ConversationsShape,
  HistoryShape,
  MessageSentShape,
  MessageShape,
} from './shapes.ts';
import { compileValidator } from './validator.ts';

/** Compiles only where what services answer is what the contract shows. */
type Shown<Answer extends Shape, Shape> = Answer;
export type Checked = [
  Shown<ConversationView, ConversationShape>,
  Shown<ConversationPage, ConversationsShape>,
  Shown<HistoryMessage, MessageShape>,
  Shown<HistoryPage, HistoryShape>,
  Shown<MessageSent, MessageSentShape>,
];

t.test('frames of the server are open: unknown fields pass, missing ones do not', async (t) => {
  const validator = compileValidator(serverFrames.message);
  const event = {
    type: 'message',
    message_id: newId(),
    conversation_id: newId(),
    seq: 1,
    sender_id: newId(),
    version: 1,
    message_type: 'system',
    sent_at: '2026-01-01T00:00:00.000Z',
    added_next_year: true,
  };
  t.ok(validator.check(event));
  t.ok(validator.check({ ...event, q: 1 }));
  t.notOk(validator.check({ ...event, seq: undefined }));
});

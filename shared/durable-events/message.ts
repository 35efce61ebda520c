import Type from 'typebox';
import type { Participants } from '../contracts/conversations.ts';
import type { MessageRecord } from '../contracts/messages.ts';
import type { UserId } from '../ids.ts';
import { messageEventFields, ReactionShape } from '../protocol/shapes.ts';
import { compileValidator } from '../protocol/validator.ts';
import { audienceOf, outsideOf } from './audience.ts';
import type { DurableEvent } from './durable-event.ts';

const Payload = Type.Null();

type Data = {
  message: MessageRecord;
  /** These users cannot see the message that is replied to, so they get no preview of it. */
  without_preview?: readonly UserId[];
};

/** Somebody wrote. The event goes to those who took part when the message was sent. */
export const MESSAGE = {
  of: 'message',
  payload: compileValidator(Payload),
  /**
   * A message that was changed since carries its current text and still says version 1, because
   * clients must not ignore the updates, each of which has an outbox row of its own.
   */
  load(_row, { participants, message }) {
    if (message === undefined) return undefined;
    const record = { ...message.record(), version: 1 };
    return addressMessage(participants, record, message.repliedSeq);
  },
  names: 'message',
  bodies({ message, without_preview: blind }) {
    if (message.reply_to === undefined || blind === undefined || blind.length === 0) {
      return { all: message };
    }
    const { reply_to: _hidden, ...bare } = message;
    return { all: message, own: new Map(blind.map((userId) => [userId, bare])) };
  },
  facts: ({ message: { seq, sender_id } }) => ({ seq, sender_id }),
  fields: {
    ...messageEventFields,
    reactions: Type.Optional(
      Type.Array(ReactionShape, { description: 'A message of a replay has its reactions here.' }),
    ),
  },
  summary: 'Somebody wrote, oneself included; in a replay without q',
} satisfies DurableEvent<typeof Payload, Data, 'message'>;

/**
 * Addresses a message to those who took part when it was sent. Those who cannot see the message
 * that it replies to, which has `repliedSeq`, get it without `reply_to`.
 */
export function addressMessage(
  participants: Participants,
  message: MessageRecord,
  repliedSeq: number | null = null,
) {
  const { seq, sent_at: at } = message;
  const addressed = { user_ids: audienceOf(participants, { of: 'receivers', seq }), at, message };
  if (repliedSeq === null || message.reply_to === undefined) return addressed;
  const without_preview = outsideOf(participants, { of: 'seers', seq: repliedSeq });
  return { ...addressed, without_preview };
}

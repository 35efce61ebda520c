import Type from 'typebox';
import type { MessageRecord } from '../../shared/contracts/messages.ts';
import { audienceOf } from '../../shared/durable-events/audience.ts';
import type { DurableEvent } from '../../shared/durable-events/durable-event.ts';
import { DURABLE_EVENTS } from '../../shared/durable-events/durable-events.ts';
import type { UserId } from '../../shared/ids.ts';
import { UserIdField } from '../../shared/protocol/scalars.ts';
import { messageEventFields } from '../../shared/protocol/shapes.ts';
import { compileValidator } from '../../shared/protocol/validator.ts';

const Payload = Type.Object({ noted_by: UserIdField });

type Data = { noted: MessageRecord; noted_by: UserId };

/**
 * Somebody took note of a message. All who can see the message get the event. No product has such a
 * kind, so the name stays free for tests.
 */
const SAMPLE_NOTED = {
  of: 'message',
  payload: compileValidator(Payload),
  load({ payload: { noted_by }, created_at: at }, { participants, message }) {
    if (message === undefined) return undefined;
    const user_ids = audienceOf(participants, { of: 'seers', seq: message.seq });
    return { user_ids, at, noted: message.record(), noted_by };
  },
  names: 'message',
  bodies: ({ noted, noted_by }) => ({ all: { ...noted, noted_by } }),
  facts: ({ noted: { seq } }) => ({ seq }),
  fields: { ...messageEventFields, noted_by: UserIdField },
  summary: 'Somebody took note of a message',
} satisfies DurableEvent<typeof Payload, Data, 'message'>;

/** This is the table of durable events with a row more. */
export const EVENTS_AND_SAMPLE = { ...DURABLE_EVENTS, sample_noted: SAMPLE_NOTED };

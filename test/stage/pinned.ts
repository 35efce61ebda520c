import Type from 'typebox';
import type { MessageRecord } from '../../shared/contracts/messages.ts';
import { audienceOf } from '../../shared/durable-events/audience.ts';
import type { DurableEvent } from '../../shared/durable-events/durable-event.ts';
import { DURABLE_EVENTS } from '../../shared/durable-events/durable-events.ts';
import type { UserId } from '../../shared/ids.ts';
import { UserIdField } from '../../shared/protocol/scalars.ts';
import { messageEventFields } from '../../shared/protocol/shapes.ts';
import { compileValidator } from '../../shared/protocol/validator.ts';

const Payload = Type.Object({ pinned_by: UserIdField });

type Data = { pinned: MessageRecord; pinned_by: UserId };

/** Somebody pinned a message. All who can see the message get the event. */
const PINNED = {
  payload: compileValidator(Payload),
  load({ payload: { pinned_by }, created_at: at }, { participants, message }) {
    if (message === undefined) return undefined;
    const user_ids = audienceOf(participants, { of: 'seers', seq: message.seq });
    return { user_ids, at, pinned: message.record(), pinned_by };
  },
  names: 'message',
  bodies: ({ pinned, pinned_by }) => ({ all: { ...pinned, pinned_by } }),
  facts: ({ pinned: { seq } }) => ({ seq }),
  fields: { ...messageEventFields, pinned_by: UserIdField },
  summary: 'A message was pinned',
} satisfies DurableEvent<typeof Payload, Data, 'message'>;

/** This is the table of durable events with a row more. */
export const EVENTS_AND_PINNED = { ...DURABLE_EVENTS, pinned: PINNED };

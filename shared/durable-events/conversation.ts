import Type, { type Static } from 'typebox';
import type { ConversationRecord } from '../contracts/conversations.ts';
import type { UserId } from '../ids.ts';
import { described } from '../protocol/described.ts';
import { UserIdField } from '../protocol/scalars.ts';
import { ConversationShape } from '../protocol/shapes.ts';
import { compileValidator } from '../protocol/validator.ts';
import { audienceOf } from './audience.ts';
import type { DurableEvent } from './durable-event.ts';

const Change = Type.Union(
  [
    Type.Literal('created'),
    Type.Literal('updated'),
    Type.Literal('participants'),
    Type.Literal('assigned'),
    Type.Literal('archived'),
  ],
  { description: 'The conversation was changed so. `archived` and mutes are of the user alone.' },
);
export type ConversationChange = Static<typeof Change>;

const Participant = Type.Object({ user_id: UserIdField });
const Payload = Type.Object({
  change: Change,
  /** The event goes only to those of these users who still take part; absent means to everybody. */
  user_ids: Type.Optional(Type.Array(UserIdField)),
  /** A user who was removed is shown this record, as of the removal. */
  left: Type.Optional(
    Type.Unsafe<ConversationRecord>(
      Type.Object({ version: Type.Integer(), participants: Type.Array(Participant) }),
    ),
  ),
});

type Data = {
  change: ConversationChange;
  /** Each user gets their own record, and the edge puts names in. */
  records: Record<UserId, ConversationRecord>;
};

/**
 * A conversation was made or changed. Each user gets the record as that user sees it. A user who
 * has left gets nothing but the event of their own removal, which closes their membership.
 */
export const CONVERSATION = {
  of: 'conversation',
  payload: compileValidator(Payload),
  load({ payload, created_at: at }, { participants, recordFor }) {
    const { change, user_ids: among, left } = payload;
    if (left !== undefined) {
      const records = recordsOf(among ?? [], () => left);
      const closing = { version: left.version, closes_membership: true as const };
      return { ...closing, user_ids: idsOf(records), at, change, records };
    }
    const records = recordsOf(audienceOf(participants, { of: 'participants', among }), recordFor);
    return { user_ids: idsOf(records), at, change, records };
  },
  names: 'conversation',
  bodies({ change, records }) {
    const entries = Object.entries(records) as [UserId, ConversationRecord][];
    return { own: new Map(entries.map(([id, conversation]) => [id, { change, conversation }])) };
  },
  facts({ change, version }) {
    return { change, ...(version !== undefined && { version }) };
  },
  fields: {
    change: Change,
    conversation: described(ConversationShape, 'The user sees the conversation so now.'),
  },
  summary: 'A conversation was made, changed, muted or archived, or who takes part has changed',
} satisfies DurableEvent<typeof Payload, Data, 'conversation'>;

function recordsOf(
  userIds: readonly UserId[],
  recordFor: (userId: UserId) => ConversationRecord | undefined,
): Record<UserId, ConversationRecord> {
  const records: Record<UserId, ConversationRecord> = {};
  for (const userId of userIds) {
    const record = recordFor(userId);
    if (record !== undefined) records[userId] = record;
  }
  return records;
}

function idsOf(records: Record<UserId, ConversationRecord>): UserId[] {
  return Object.keys(records) as UserId[];
}

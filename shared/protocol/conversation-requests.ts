import Type, { type Static } from 'typebox';
import type { UserId } from '../ids.ts';
import { described } from './described.ts';
import { LIMITS } from './limits.ts';
import {
  BusinessIdField,
  ConversationIdField,
  CursorField,
  DescriptionField,
  PageLimitField,
  readTime,
  TimeField,
  TitleField,
  UrlField,
  UserIdField,
} from './scalars.ts';

/** These are the requests of clients about conversations. An unknown field is an error. */

const closed = { additionalProperties: false };

const PeopleConversation = Type.Object(
  {
    type: Type.Union([Type.Literal('direct'), Type.Literal('group')], {
      description: 'A direct conversation has two people, and there is one of the two.',
    }),
    participant_ids: Type.Array(UserIdField, {
      minItems: 1,
      maxItems: LIMITS.participantIdsMax,
      description:
        'These users take part. The caller always does, named or not. ' +
        `A group has 2-${LIMITS.groupParticipantsMax} people in all.`,
    }),
    title: Type.Optional(TitleField),
    description: Type.Optional(DescriptionField),
    avatar_url: Type.Optional(UrlField),
  },
  closed,
);
const BusinessConversation = Type.Object(
  {
    type: Type.Literal('business', { description: 'The caller becomes a customer.' }),
    business_id: described(BusinessIdField, 'The id names the business that the caller writes to.'),
  },
  closed,
);

/** A client describes the conversation that it wants to make with this input. */
export const ConversationInput = Type.Union([PeopleConversation, BusinessConversation]);
export type ConversationInput = Static<typeof ConversationInput>;

export const CreateConversationRequest = Type.Object(
  { conversation: described(ConversationInput, 'The caller wants this conversation.') },
  closed,
);

/**
 * Returns what is wrong with the participants of a conversation that a client wants to make, or
 * undefined. The caller counts as a participant, whether the list names them or not.
 */
export function participantsProblem(
  input: ConversationInput,
  callerId: UserId,
): string | undefined {
  if (input.type === 'business') {
    const isCaller = (input.business_id as string) === callerId;
    return isCaller ? 'nobody is a business to themselves' : undefined;
  }
  const others = new Set(input.participant_ids);
  others.delete(callerId);
  if (input.type === 'direct') {
    return others.size === 1
      ? undefined
      : 'a direct conversation has exactly one other participant';
  }
  const count = others.size + 1;
  const isCountRight = count >= 2 && count <= LIMITS.groupParticipantsMax;
  return isCountRight ? undefined : `a group has 2-${LIMITS.groupParticipantsMax} participants`;
}

/** This request names one conversation. */
export const ConversationRequest = Type.Object({ conversation_id: ConversationIdField }, closed);

/** This request names a page of the caller's conversations. */
export const ConversationsRequest = Type.Object(
  {
    limit: Type.Optional(PageLimitField),
    cursor: Type.Optional(CursorField),
    archived: Type.Optional(
      Type.Boolean({ description: 'The page has archived conversations, and no others.' }),
    ),
  },
  closed,
);
export type ConversationsRequest = Static<typeof ConversationsRequest>;

/** An update replaces those details of a group that it has fields for. */
export const ConversationUpdate = Type.Object(
  {
    title: Type.Optional(TitleField),
    description: Type.Optional(DescriptionField),
    avatar_url: Type.Optional(UrlField),
  },
  { ...closed, minProperties: 1 },
);
export type ConversationUpdate = Static<typeof ConversationUpdate>;

export const UpdateConversationRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    changes: described(ConversationUpdate, 'These details replace the ones before.'),
  },
  closed,
);

/** A mute without `until` lasts until the caller takes it back. */
export const MuteRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    until: Type.Optional(
      described(TimeField, 'The mute ends then. Without a time, the caller ends it.'),
    ),
  },
  closed,
);
export type MuteRequest = Static<typeof MuteRequest>;

/**
 * Returns the time as it is stored, or a string that says what is wrong with it. The time must be
 * one that exists, and must lie in the future.
 */
export function readMuteUntil(until: string, nowMs: number): { until: string } | string {
  const ms = readTime(until);
  if (ms === undefined) return 'until: is not a time';
  return ms > nowMs ? { until: new Date(ms).toISOString() } : 'until: is over';
}

export const AddParticipantsRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    user_ids: Type.Array(UserIdField, {
      minItems: 1,
      maxItems: LIMITS.participantIdsMax,
      description: 'These users join the group.',
    }),
    share_history: Type.Optional(
      Type.Boolean({ description: 'They see the earlier messages too. The default is false.' }),
    ),
  },
  closed,
);
export type AddParticipantsRequest = Static<typeof AddParticipantsRequest>;

export const RemoveParticipantRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    user_id: described(UserIdField, 'This user leaves the group.'),
  },
  closed,
);

/**
 * An assignment without `agent_id` is to the caller. With `force` it may go beyond the capacity of
 * the agent.
 */
export const AssignRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    agent_id: Type.Optional(
      described(UserIdField, 'The conversation goes to this agent. Without it, to the caller.'),
    ),
    force: Type.Optional(
      Type.Boolean({ description: 'The agent gets it even beyond their capacity.' }),
    ),
  },
  closed,
);
export type AssignRequest = Static<typeof AssignRequest>;

/** A business conversation is closed with the state `closed`, and reopened with `waiting`. */
export const SetStateRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    state: Type.Union([Type.Literal('closed'), Type.Literal('waiting')], {
      description: '`closed` closes the conversation, and `waiting` reopens it.',
    }),
  },
  closed,
);

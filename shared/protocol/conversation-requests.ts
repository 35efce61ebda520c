import Type, { type Static } from 'typebox';
import type { UserId } from '../ids.ts';
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

/** What clients ask about conversations. An unknown field is an error. */

const closed = { additionalProperties: false };

const PeopleConversation = Type.Object(
  {
    type: Type.Union([Type.Literal('direct'), Type.Literal('group')]),
    participant_ids: Type.Array(UserIdField, { minItems: 1, maxItems: LIMITS.participantIdsMax }),
    title: Type.Optional(TitleField),
    description: Type.Optional(DescriptionField),
    avatar_url: Type.Optional(UrlField),
  },
  closed,
);
const BusinessConversation = Type.Object(
  { type: Type.Literal('business'), business_id: BusinessIdField },
  closed,
);

/** A conversation to be made. */
export const ConversationInput = Type.Union([PeopleConversation, BusinessConversation]);
export type ConversationInput = Static<typeof ConversationInput>;

export const CreateConversationRequest = Type.Object({ conversation: ConversationInput }, closed);

/**
 * What is wrong with the people of a conversation to be made, or undefined. The caller counts as a
 * participant, whether the list names them or not.
 */
export function participantsProblem(
  input: ConversationInput,
  callerId: UserId,
): string | undefined {
  if (input.type === 'business') return 'business conversations are not available yet';
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

/** Names one conversation. */
export const ConversationRequest = Type.Object({ conversation_id: ConversationIdField }, closed);

/** Names a page of the caller's conversations. */
export const ConversationsRequest = Type.Object(
  {
    limit: Type.Optional(PageLimitField),
    cursor: Type.Optional(CursorField),
    archived: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type ConversationsRequest = Static<typeof ConversationsRequest>;

/** What a group shall have instead of what it has. */
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
  { conversation_id: ConversationIdField, changes: ConversationUpdate },
  closed,
);

/** Without `until` the conversation stays muted until the caller takes that back. */
export const MuteRequest = Type.Object(
  { conversation_id: ConversationIdField, until: Type.Optional(TimeField) },
  closed,
);
export type MuteRequest = Static<typeof MuteRequest>;

/** The time as it is stored, or what is wrong with it: it must exist and not be over. */
export function readMuteUntil(until: string, nowMs: number): { until: string } | string {
  const ms = readTime(until);
  if (ms === undefined) return 'until: is not a time';
  return ms > nowMs ? { until: new Date(ms).toISOString() } : 'until: is over';
}

export const AddParticipantsRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    user_ids: Type.Array(UserIdField, { minItems: 1, maxItems: LIMITS.participantIdsMax }),
    share_history: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type AddParticipantsRequest = Static<typeof AddParticipantsRequest>;

export const RemoveParticipantRequest = Type.Object(
  { conversation_id: ConversationIdField, user_id: UserIdField },
  closed,
);

import Type, { type Static } from 'typebox';
import type { UserId } from '../ids.ts';
import { LIMITS } from './limits.ts';
import {
  BusinessIdField,
  DescriptionField,
  readTime,
  TimeField,
  TitleField,
  UrlField,
  UserIdField,
} from './scalars.ts';

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

/** Body of `POST /conversations` and `conversation` of the frame `create_conversation`. */
export const ConversationInputBody = Type.Union([PeopleConversation, BusinessConversation]);
export type ConversationInputBody = Static<typeof ConversationInputBody>;

/** What is wrong with who takes part, or undefined. The caller counts, named or not. */
export function participantsProblem(
  input: ConversationInputBody,
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

/** Body of `PATCH /conversations/{id}`. */
export const ConversationUpdateBody = Type.Object(
  {
    title: Type.Optional(TitleField),
    description: Type.Optional(DescriptionField),
    avatar_url: Type.Optional(UrlField),
  },
  { ...closed, minProperties: 1 },
);
export type ConversationUpdateBody = Static<typeof ConversationUpdateBody>;

/** Body of `POST /conversations/{id}/participants`. */
export const ParticipantsBody = Type.Object(
  {
    user_ids: Type.Array(UserIdField, { minItems: 1, maxItems: LIMITS.participantIdsMax }),
    share_history: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type ParticipantsBody = Static<typeof ParticipantsBody>;

/** Body of `PUT /conversations/{id}/mute`; may be absent. */
export const MuteBody = Type.Object({ until: Type.Optional(TimeField) }, closed);
export type MuteBody = Static<typeof MuteBody>;

/** The time as it is stored, or what is wrong with it: it must exist and not be over. */
export function readMuteUntil(until: string, nowMs: number): { until: string } | string {
  const ms = readTime(until);
  if (ms === undefined) return 'until: is not a time';
  return ms > nowMs ? { until: new Date(ms).toISOString() } : 'until: is over';
}

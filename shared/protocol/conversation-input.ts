import Type, { type Static } from 'typebox';
import type { UserId } from '../ids.ts';
import { LIMITS } from './limits.ts';
import { BusinessIdField, DescriptionField, TitleField, UrlField, UserIdField } from './scalars.ts';

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

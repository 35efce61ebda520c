import type { Conversation, Participant } from '../../../clients/js/src/index.ts';

type Person = { name: string; avatarUrl?: string };

/** Looks up people of a conversation, also those who have left it. */
export type PersonOf = (userId: string) => Person;

/** The server gives the texts of somebody whose account was erased to this id. */
const NOBODY_ID = '00000000-0000-4000-8000-000000000000';

type Known = {
  conversation: Conversation | undefined;
  nameOf: (userId: string) => string | undefined;
};

export function createPersonOf({ conversation, nameOf }: Known): PersonOf {
  const people = new Map((conversation?.participants ?? []).map((one) => [one.user_id, one]));
  return (userId) => {
    const { name, avatar_url: avatarUrl } = people.get(userId) ?? {};
    const shown = name ?? nameOf(userId) ?? strangerName(userId, conversation);
    return avatarUrl ? { name: shown, avatarUrl } : { name: shown };
  };
}

export function takesPart(conversation: Conversation | undefined, userId: string): boolean {
  return participantOf(conversation, userId) !== undefined;
}

export function participantOf(
  conversation: Conversation | undefined,
  userId: string,
): Participant | undefined {
  return conversation?.participants.find(({ user_id: id }) => id === userId);
}

type Face = { id: string; name: string; url: string | undefined };

/** Returns the picture and name that stand for a conversation, as the user sees it. */
export function faceOf(conversation: Conversation, userId: string): Face {
  const {
    conversation_id: id,
    type,
    name,
    avatar_url: url,
    business_id: businessId,
  } = conversation;
  if (isAgentOf(conversation, userId)) {
    const customer = conversation.participants.find(({ role }) => role === 'customer');
    const shown = customer?.name ?? 'Customer';
    return { id: customer?.user_id ?? id, name: shown, url: customer?.avatar_url };
  }
  const other = conversation.participants.find(({ user_id: one }) => one !== userId);
  const directId = type === 'direct' ? other?.user_id : undefined;
  return { id: businessId ?? directId ?? id, name, url };
}

/** Everybody but the customer sees a business conversation from the side of the business. */
export function isAgentOf({ type, participants }: Conversation, userId: string): boolean {
  const isCustomer = participants.some(
    ({ user_id: id, role }) => id === userId && role === 'customer',
  );
  return type === 'business' && !isCustomer;
}

function strangerName(userId: string, conversation: Conversation | undefined): string {
  if (userId === NOBODY_ID) return 'Deleted User';
  if (userId === conversation?.business_id) return conversation.name;
  return conversation?.type === 'business' ? 'Former agent' : 'Somebody who left';
}

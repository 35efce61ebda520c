import type {
  ConversationRecord,
  ParticipantRecord,
} from '../../../shared/contracts/conversations.ts';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ConversationShape } from '../../../shared/protocol/shapes.ts';
import type { LateNames } from './late-names.ts';
import {
  DELETED_USER,
  type NameLookUp,
  type Names,
  UNKNOWN_BUSINESS,
  UNKNOWN_USER,
} from './profile-names.ts';
import { collectNamed, lastMessageWithNames, namedIn } from './system-names.ts';

/** These records and messages are shown to these users. */
type Shown = {
  records: Iterable<ConversationRecord>;
  messages?: Iterable<MessageRecord>;
  viewers: readonly UserId[];
};
/**
 * Looks up the names of all users and businesses in what is shown. The promise never rejects. The
 * names that have not come by `deadlineAt`, by `steadyMs`, are unknown.
 */
export type LookUpNames = (shown: Shown & { deadlineAt?: number | undefined }) => Promise<Names>;
/** All users and businesses in what is shown are unknown there, and the viewers are told later. */
export type OweNames = (shown: Shown) => void;

/** The name of a group without a title is made of the names of this many participants. */
const NAMED_MAX = 3;

type Face = { name: string; avatar_url?: string };
type Parts = { lookUpNames: LookUpNames };
/** A viewer is the user who sees the conversation, and waits until `deadlineAt` for names. */
type Viewer = { userId: UserId; deadlineAt: number };

/** Makes the conversation that the viewer sees from the record of the store, and puts in names. */
export async function nameConversation(
  { lookUpNames }: Parts,
  record: ConversationRecord,
  { userId, deadlineAt }: Viewer,
): Promise<ConversationShape> {
  const names = await lookUpNames({ records: [record], viewers: [userId], deadlineAt });
  return viewOf(record, userId, names);
}

/** Does the same for several conversations, with one request for all names. */
export async function nameConversations(
  { lookUpNames }: Parts,
  records: readonly ConversationRecord[],
  { userId, deadlineAt }: Viewer,
): Promise<ConversationShape[]> {
  const names = await lookUpNames({ records, viewers: [userId], deadlineAt });
  return records.map((record) => viewOf(record, userId, names));
}

/** All records and messages of a call share one request for names. */
export function createLookUpNames(lookUp: NameLookUp): LookUpNames {
  return ({ deadlineAt, ...shown }) => {
    return lookUp({ ...namedBy(shown), viewers: shown.viewers, deadlineAt });
  };
}

export function createOweNames(late: Pick<LateNames, 'add'>): OweNames {
  return (shown) => {
    const { users, businesses } = namedBy(shown);
    late.add({ user_ids: users, business_ids: businesses }, shown.viewers);
  };
}

function namedBy({ records, messages = [] }: Shown): ReturnType<typeof namedIn> {
  const named = namedIn(messages);
  for (const record of records) {
    for (const { user_id: userId, role } of record.participants) {
      if (role !== 'business') named.users.push(userId);
    }
    if (record.business_id !== undefined) named.businesses.push(record.business_id);
    // The last message may tell of a user who has left the conversation since.
    if (record.last_message !== undefined) collectNamed(record.last_message, named);
  }
  return named;
}

/** Turns the store's record of a conversation into the conversation that `viewer` sees. */
export function viewOf(
  record: ConversationRecord,
  viewer: UserId,
  names: Names,
): ConversationShape {
  const { avatar_url: ownAvatarUrl, participants, last_message: last, ...rest } = record;
  const { name, avatar_url: faceAvatarUrl } = faceOf(record, viewer, names);
  const avatarUrl = ownAvatarUrl ?? faceAvatarUrl;
  return {
    ...rest,
    name,
    ...(avatarUrl !== undefined && { avatar_url: avatarUrl }),
    participants: participants.map((participant) => ({
      ...participant,
      ...participantFace(participant, record, names),
    })),
    ...(last !== undefined && { last_message: lastMessageWithNames(last, names) }),
  };
}

/**
 * Finds the name and the picture that stand for the conversation. A direct conversation has those
 * of the other participant, who takes part in it unless they were erased. A business conversation
 * has those of the business. A group has its title, or else the names of three other participants.
 */
function faceOf(record: ConversationRecord, viewer: UserId, names: Names): Face {
  const others = record.participants.filter((participant) => participant.user_id !== viewer);
  switch (record.type) {
    case 'direct': {
      const other = others[0];
      return other === undefined ? { name: DELETED_USER } : userFace(other.user_id, names);
    }
    case 'group': {
      if (record.title !== undefined) return { name: record.title };
      const named = others.slice(0, NAMED_MAX);
      return { name: named.map((other) => userFace(other.user_id, names).name).join(', ') };
    }
    case 'business':
      return businessFace(record, names);
  }
}

/** A business takes part in its conversations under its own id, but is no user. */
function participantFace(
  { user_id: userId, role }: ParticipantRecord,
  record: ConversationRecord,
  names: Names,
): Face {
  return role === 'business' ? businessFace(record, names) : userFace(userId, names);
}

function businessFace({ business_id: id }: ConversationRecord, { businesses }: Names): Face {
  return face(id === undefined ? undefined : businesses.get(id), UNKNOWN_BUSINESS);
}

function userFace(userId: UserId, names: Names): Face {
  return face(names.users.get(userId), UNKNOWN_USER);
}

function face(profile: Face | undefined, unknown: string): Face {
  if (profile === undefined) return { name: unknown };
  const { name, avatar_url: avatarUrl } = profile;
  return { name, ...(avatarUrl !== undefined && { avatar_url: avatarUrl }) };
}

import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ConversationShape } from '../../../shared/protocol/shapes.ts';
import { UNKNOWN_USER } from '../../../shared/protocol/system-content.ts';
import type { Names } from './profile-names.ts';
import { lastMessageWithNames } from './system-names.ts';

const UNKNOWN_BUSINESS = 'Unknown Business';
/** The name of a group without a title is made of the names of this many participants. */
const NAMED_MAX = 3;

type Face = { name: string; avatar_url?: string };

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
      ...userFace(participant.user_id, names),
    })),
    ...(last !== undefined && { last_message: lastMessageWithNames(last, names) }),
  };
}

/**
 * Finds the name and the picture that stand for the conversation. A direct conversation has those
 * of the other participant, and a business conversation those of the business. A group has its
 * title, or else the names of three other participants.
 */
function faceOf(record: ConversationRecord, viewer: UserId, names: Names): Face {
  const others = record.participants.filter((participant) => participant.user_id !== viewer);
  switch (record.type) {
    case 'direct': {
      const other = others[0];
      return other === undefined ? { name: UNKNOWN_USER } : userFace(other.user_id, names);
    }
    case 'group': {
      if (record.title !== undefined) return { name: record.title };
      const named = others.slice(0, NAMED_MAX);
      return { name: named.map((other) => userFace(other.user_id, names).name).join(', ') };
    }
    case 'business': {
      const { business_id: id } = record;
      const business = id === undefined ? undefined : names.businesses.get(id);
      return face(business, UNKNOWN_BUSINESS);
    }
  }
}

function userFace(userId: UserId, names: Names): Face {
  return face(names.users.get(userId), UNKNOWN_USER);
}

function face(profile: Face | undefined, unknown: string): Face {
  if (profile === undefined) return { name: unknown };
  const { name, avatar_url: avatarUrl } = profile;
  return { name, ...(avatarUrl !== undefined && { avatar_url: avatarUrl }) };
}

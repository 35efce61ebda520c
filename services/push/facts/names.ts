import type { PushFacts } from '../../../shared/contracts/pushes/push-facts.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';

/** Names have come in time for some users and businesses. */
export type Names = {
  users: ReadonlyMap<UserId, string>;
  businesses: ReadonlyMap<BusinessId, string>;
};

export const NO_NAMES: Names = { users: new Map(), businesses: new Map() };
const UNKNOWN_USER = 'Unknown User';
const UNKNOWN_BUSINESS = 'Unknown Business';

export function nameOfUser({ users }: Names, userId: UserId): string {
  return users.get(userId) ?? UNKNOWN_USER;
}

/**
 * Returns the name of the conversation as its participants see it. A direct conversation has the
 * name of its other participant, who is the sender, so that it has none here.
 */
export function conversationName(
  { type, title, business_id: businessId, others }: PushFacts['conversation'],
  names: Names,
): string | undefined {
  switch (type) {
    case 'direct':
      return undefined;
    case 'group':
      return title ?? others.map((userId) => nameOfUser(names, userId)).join(', ');
    case 'business':
      return (businessId && names.businesses.get(businessId)) ?? UNKNOWN_BUSINESS;
  }
}

import type { Conversation, Message, World } from './world.ts';

/**
 * All users by what they are to a conversation, or to a message of it; no group is empty. Picking
 * a group first makes who was in it once, or cannot see so far back, as frequent as a stranger:
 * among all users they are too few for a leak to be met.
 */
export function castOf(world: World, conversation: Conversation, message?: Message): string[][] {
  const groups = new Map<string, string[]>();
  for (const userId of world.userIds) {
    const standing = standingOf(userId, conversation, message);
    const group = groups.get(standing);
    if (group === undefined) groups.set(standing, [userId]);
    else group.push(userId);
  }
  return [...groups.values()];
}

function standingOf(
  userId: string,
  { members, stays }: Conversation,
  message: Message | undefined,
): string {
  const member = members.get(userId);
  if (member === undefined) return stays.has(userId) ? 'former' : 'stranger';
  if (member.first > (message?.seq ?? 1)) return 'late';
  if (message?.senderId === userId) return 'sender';
  return member.role;
}

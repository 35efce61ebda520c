import { mayRead } from './desk.ts';
import type { Conversation, Message, World } from './world.ts';

/**
 * Groups all users by their standing in a conversation, or towards a message of it. No group is
 * empty. A test that picks a group first meets former participants, and those who cannot see so far
 * back, as often as strangers. Among all users they are too few for a leak to be met.
 */
export function castOf(world: World, conversation: Conversation, message?: Message): string[][] {
  const groups = new Map<string, string[]>();
  for (const userId of world.userIds) {
    const standing =
      standingOf(userId, conversation, message) + standingAt(world, conversation, userId);
    const group = groups.get(standing);
    if (group === undefined) groups.set(standing, [userId]);
    else group.push(userId);
  }
  return [...groups.values()];
}

function standingOf(
  userId: string,
  { participants, stays }: Conversation,
  message: Message | undefined,
): string {
  const participant = participants.get(userId);
  if (participant === undefined) return stays.has(userId) ? 'former' : 'stranger';
  if (participant.first > (message?.seq ?? 1)) return 'late';
  if (message?.senderId === userId) return 'sender';
  return participant.role;
}

/** Staff of a business stand towards its conversations according to what they may read. */
function standingAt(world: World, { desk }: Conversation, userId: string): string {
  const role = desk && world.roleIn(desk.businessId, userId);
  if (desk === undefined || role === undefined) return '';
  return mayRead(desk, { userId, role }) ? ` and reading ${role}` : ` and ${role}`;
}

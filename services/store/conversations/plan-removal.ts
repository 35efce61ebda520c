import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ParticipantRow } from '../records/conversation-rows.ts';
import {
  currentOf,
  idsOf,
  type LockedConversation,
  type Plan,
  type SystemMessage,
} from './conversation-plan.ts';

type Removal = Extract<ConversationCommand, { op: 'conversations.remove' }>;

/**
 * The plan ends one user's participation. That user gets a `conversation` event, but not the system
 * messages of the removal. When the last admin leaves, the participant who joined first becomes
 * admin.
 */
export function planRemoval({ participants }: LockedConversation, { user_id, member_id }: Removal) {
  const current = currentOf(participants);
  const rest = current.filter((one) => one.user_id !== member_id);
  if (rest.length === current.length) {
    throw new KahaError('NOT_FOUND', 'Not a participant of this conversation');
  }
  const isLeaving = member_id === user_id;
  const messages: SystemMessage[] = [
    isLeaving
      ? { event: 'participant_left', content: 'A participant left', user_id: member_id }
      : { event: 'participant_removed', content: 'A participant was removed', user_id: member_id },
  ];
  const nextAdmin = nextAdminOf(rest);
  if (nextAdmin !== undefined) {
    messages.push({
      event: 'admin_changed',
      content: 'Another participant is admin now',
      user_id: nextAdmin,
    });
  }
  const plan: Plan = {
    leave: member_id,
    messages,
    events: [{ change: 'participants', to: idsOf(rest) }],
  };
  if (nextAdmin !== undefined) plan.promote = nextAdmin;
  return plan;
}

/** A participant has to become admin only if none of the rest is. */
function nextAdminOf(rest: readonly ParticipantRow[]): UserId | undefined {
  if (rest.some(({ role }) => role === 'admin')) return undefined;
  const byAge = [...rest].sort((one, other) => {
    const [a, b] = [one, other].map(({ joined_at, user_id }) => joined_at + user_id);
    return (a as string) < (b as string) ? -1 : 1;
  });
  return byAge[0]?.user_id;
}

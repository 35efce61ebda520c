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
 * The end of a membership. The one it concerns is sent the `conversation` event and no message of
 * it. When the last admin leaves, who has been in it longest becomes one.
 */
export function planRemoval({ members }: LockedConversation, { user_id, member_id }: Removal) {
  const current = currentOf(members);
  const rest = current.filter((member) => member.user_id !== member_id);
  if (rest.length === current.length) {
    throw new KahaError('NOT_FOUND', 'Not a participant of this conversation');
  }
  const isLeaving = member_id === user_id;
  const messages: SystemMessage[] = [
    isLeaving
      ? { event: 'participant_left', content: 'A participant left', user_id: member_id }
      : { event: 'participant_removed', content: 'A participant was removed', user_id: member_id },
  ];
  const heir = heirOf(rest);
  if (heir !== undefined) {
    messages.push({
      event: 'admin_changed',
      content: 'Another participant is admin now',
      user_id: heir,
    });
  }
  const plan: Plan = {
    leave: member_id,
    messages,
    events: [{ change: 'participants', to: idsOf(rest) }],
  };
  if (heir !== undefined) plan.promote = heir;
  return plan;
}

/** Who is to become admin, where nobody is. */
function heirOf(rest: readonly ParticipantRow[]): UserId | undefined {
  if (rest.some(({ role }) => role === 'admin')) return undefined;
  const byAge = [...rest].sort((one, other) => {
    const [a, b] = [one, other].map(({ joined_at, user_id }) => joined_at + user_id);
    return (a as string) < (b as string) ? -1 : 1;
  });
  return byAge[0]?.user_id;
}

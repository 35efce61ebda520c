import type {
  CommandOf,
  ConversationCommand,
  ConversationCommands,
} from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import { isUuidV4, type UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { judgeStep } from '../inbox/judge-step.ts';
import type { ParticipantRow } from '../records/conversation-rows.ts';
import {
  currentOf,
  idsOf,
  isStep,
  type LockedConversation,
  type Plan,
  type SystemMessage,
} from './plan.ts';

/**
 * The result is the plan of a command, or undefined if the command changes nothing. Refusals:
 *
 *     NOT_A_PARTICIPANT  The caller does not take part.
 *     FORBIDDEN          The command is not archive, mute or unmute, but this is no group.
 *     FORBIDDEN          The command changes a group, and the caller neither is admin nor leaves.
 *     INVALID_REQUEST    A user who is to be added is named by no user id.
 *     CONFLICT           A ninth participant would join.
 *     NOT_FOUND          The user who is to be removed does not take part.
 *
 * Steps of business conversations have other rules, which stand with `judgeStep`.
 */
export function judgeCommand(
  locked: LockedConversation,
  command: ConversationCommand,
): Plan | undefined {
  if (isStep(command)) return judgeStep(locked, command);
  const caller = currentOf(locked.participants).find(({ user_id }) => user_id === command.user_id);
  if (caller === undefined) {
    throw new KahaError('NOT_A_PARTICIPANT', 'Not a participant of this conversation');
  }
  switch (command.op) {
    case 'conversations.archive':
      return planArchive(locked, caller);
    case 'conversations.mute':
      return planMute(caller, { is_muted: true, muted_until: command.until ?? null });
    case 'conversations.unmute':
      return planMute(caller, { is_muted: false, muted_until: null });
    case 'conversations.update':
      assertGroup(locked);
      assertAdmin(caller);
      return planUpdate(locked, command);
    case 'conversations.add':
      assertGroup(locked);
      assertAdmin(caller);
      return planAddition(locked, caller, command);
    case 'conversations.remove':
      assertGroup(locked);
      if (command.participant_id !== command.user_id) assertAdmin(caller);
      return planRemoval(locked, command);
  }
}

function assertGroup({ conversation }: LockedConversation): void {
  if (conversation.type === 'group') return;
  throw new KahaError('FORBIDDEN', 'Only a group can be changed so');
}

function assertAdmin({ role }: ParticipantRow): void {
  if (role !== 'admin') throw new KahaError('FORBIDDEN', 'Only an admin may do this');
}

function planArchive({ at }: LockedConversation, caller: ParticipantRow): Plan | undefined {
  if (caller.archived_at !== null) return undefined;
  const events = [{ change: 'archived' as const, to: [caller.user_id] }];
  return { own: { archived_at: at }, messages: [], events };
}

type Mute = Pick<ParticipantRow, 'is_muted' | 'muted_until'>;

function planMute(caller: ParticipantRow, own: Mute): Plan | undefined {
  const isSame = caller.is_muted === own.is_muted && caller.muted_until === own.muted_until;
  if (isSame) return undefined;
  const events = [{ change: 'updated' as const, to: [caller.user_id] }];
  return { own, messages: [], events };
}

/** Each added user gets a system message; all of them take part from the first of these on. */
function planAddition(
  { conversation, participants }: LockedConversation,
  caller: ParticipantRow,
  { user_ids, share_history }: CommandOf<'conversations.add'>,
): Plan | undefined {
  if (!user_ids.every(isUuidV4)) throw new KahaError('INVALID_REQUEST', 'Not a user id');
  const before = idsOf(currentOf(participants));
  const added = [...new Set<UserId>(user_ids)].filter((userId) => !before.includes(userId));
  if (added.length === 0) return undefined;
  if (before.length + added.length > LIMITS.groupParticipantsMax) {
    const message = `A group has at most ${LIMITS.groupParticipantsMax} participants`;
    throw new KahaError('CONFLICT', message);
  }
  const joinedSeq = conversation.last_seq + 1;
  const firstVisibleSeq = share_history === true ? caller.first_visible_seq : joinedSeq;
  return {
    join: { userIds: added, role: 'member', firstVisibleSeq, readSeq: joinedSeq - 1 },
    messages: added.map((user_id) => ({
      event: 'participant_added',
      content: 'A participant was added',
      user_id,
    })),
    events: [
      { change: 'created', to: added },
      { change: 'participants', to: before },
    ],
  };
}

type Field = keyof ConversationCommands['conversations.update'];

const MESSAGE_OF: Record<Field, (value: string) => Pick<SystemMessage, 'event' | 'content'>> = {
  title: (value) => ({ event: 'title_changed', content: `The title was changed to "${value}"` }),
  description: () => ({
    event: 'description_changed',
    content: 'The description was changed',
  }),
  avatar_url: () => ({ event: 'avatar_changed', content: 'The picture was changed' }),
};

/** Each field whose value changes gets a system message. */
function planUpdate(
  { conversation, participants }: LockedConversation,
  command: ConversationCommands['conversations.update'],
): Plan | undefined {
  const set: NonNullable<Plan['set']> = {};
  const messages: SystemMessage[] = [];
  for (const field of Object.keys(MESSAGE_OF) as Field[]) {
    const value = command[field];
    if (value === undefined || value === conversation[field]) continue;
    set[field] = value;
    messages.push({ ...MESSAGE_OF[field](value), value });
  }
  if (messages.length === 0) return undefined;
  const events = [{ change: 'updated' as const, to: idsOf(currentOf(participants)) }];
  return { set, messages, events };
}

/**
 * The plan ends one user's participation. That user gets an event of their own, see `Plan`, but not
 * the system messages of the removal. When the last admin leaves, the participant who joined first
 * becomes admin.
 */
function planRemoval(
  { participants }: LockedConversation,
  { user_id, participant_id }: CommandOf<'conversations.remove'>,
) {
  const current = currentOf(participants);
  const rest = current.filter((one) => one.user_id !== participant_id);
  if (rest.length === current.length) {
    throw new KahaError('NOT_FOUND', 'Not a participant of this conversation');
  }
  const isLeaving = participant_id === user_id;
  const messages: SystemMessage[] = [
    isLeaving
      ? { event: 'participant_left', content: 'A participant left', user_id: participant_id }
      : {
          event: 'participant_removed',
          content: 'A participant was removed',
          user_id: participant_id,
        },
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
    leave: participant_id,
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

import type { UserId } from '../ids.ts';
import type { MessageShape } from './shapes.ts';

export const SYSTEM_EVENTS = [
  'participant_added',
  'participant_removed',
  'participant_left',
  'title_changed',
  'description_changed',
  'avatar_changed',
  'admin_changed',
  'agent_assigned',
  'conversation_closed',
  'conversation_reopened',
] as const;
export type SystemEvent = (typeof SYSTEM_EVENTS)[number];

/**
 * The metadata of an away message has this event. It is none of those above, because its content is
 * the text of the business's settings, and no names are put into it.
 */
export const AWAY_MESSAGE = 'away_message';

/**
 * An agent is assigned by themselves or a manager (`manual`), by the agent or manager who hands the
 * conversation on (`transfer`), or by the business itself (`auto`), which is the sender then.
 */
const ASSIGNMENT_REASONS = ['auto', 'manual', 'transfer'] as const;
export type AssignmentReason = (typeof ASSIGNMENT_REASONS)[number];

/**
 * A system message says that its sender did something. Its text is made of these values, and of the
 * names of the users.
 */
export type SystemSaid = {
  event: SystemEvent;
  user_id?: UserId;
  value?: string;
  /** Only an assignment has a reason. */
  reason?: AssignmentReason;
};

/**
 * Reads the metadata of a system message, and leaves out the values that its text does not show.
 * The result is undefined for any other metadata.
 */
export function readSaid(metadata: unknown): SystemSaid | undefined {
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const { event, user_id, value, reason } = metadata as Record<string, unknown>;
  if (!SYSTEM_EVENTS.includes(event as SystemEvent)) return undefined;
  const said: SystemSaid = { event: event as SystemEvent };
  if (typeof user_id === 'string') said.user_id = user_id as UserId;
  if (typeof value === 'string' && event === 'title_changed') said.value = value;
  if (event === 'agent_assigned' && ASSIGNMENT_REASONS.includes(reason as AssignmentReason)) {
    said.reason = reason as AssignmentReason;
  }
  return said;
}

type Shown = Pick<MessageShape, 'message_type' | 'reply_to'>;

/**
 * Returns true if the content of the message, or of the message that it replies to, names people.
 */
export function namesPeople({ message_type: type, reply_to: reply }: Shown): boolean {
  return type === 'system' || reply?.message_type === 'system';
}

import type { UserId } from '../ids.ts';
import type { MessageShape } from './shapes.ts';

export type SystemEvent =
  | 'participant_added'
  | 'participant_removed'
  | 'participant_left'
  | 'title_changed'
  | 'description_changed'
  | 'avatar_changed'
  | 'admin_changed';

/**
 * A system message says that its sender did something. Its text is made of these values, and of the
 * names of the users.
 */
export type SystemSaid = { event: SystemEvent; user_id?: UserId; value?: string };

export const UNKNOWN_USER = 'Unknown User';

type Words = { actor: string; subject: string; value: string | undefined };

const TEXTS: Record<SystemEvent, (words: Words) => string> = {
  participant_added: ({ actor, subject }) => `${actor} added ${subject}`,
  participant_removed: ({ actor, subject }) => `${actor} removed ${subject}`,
  participant_left: ({ subject }) => `${subject} left`,
  title_changed: ({ actor, value }) =>
    value === undefined
      ? `${actor} changed the title`
      : `${actor} changed the title to \u201c${value}\u201d`,
  description_changed: ({ actor }) => `${actor} changed the description`,
  avatar_changed: ({ actor }) => `${actor} changed the picture`,
  admin_changed: ({ subject }) => `${subject} is admin now`,
};

type Named = { actor?: string | undefined; subject?: string | undefined };

/** Makes the English text of a system message. A user without a name is an Unknown User. */
export function systemContent({ event, value }: SystemSaid, { actor, subject }: Named): string {
  return TEXTS[event]({ actor: actor ?? UNKNOWN_USER, subject: subject ?? UNKNOWN_USER, value });
}

/**
 * Reads the metadata of a system message, and leaves out the values that its text does not show.
 * The result is undefined for any other metadata.
 */
export function readSaid(metadata: unknown): SystemSaid | undefined {
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const { event, user_id, value } = metadata as Record<string, unknown>;
  if (typeof event !== 'string' || !Object.hasOwn(TEXTS, event)) return undefined;
  const said: SystemSaid = { event: event as SystemEvent };
  if (typeof user_id === 'string') said.user_id = user_id as UserId;
  if (typeof value === 'string' && event === 'title_changed') said.value = value;
  return said;
}

type Shown = Pick<MessageShape, 'message_type' | 'reply_to'>;

/**
 * Returns true if the content of the message, or of the message that it replies to, names people.
 */
export function namesPeople({ message_type: type, reply_to: reply }: Shown): boolean {
  return type === 'system' || reply?.message_type === 'system';
}

import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import { namesPeople } from '../../../shared/protocol/system-content.ts';
import type { NameLookUp } from './profile-names.ts';
import { usersNamedIn, withNames } from './system-names.ts';

/**
 * Puts names into those of `messages` that are system messages or reply to one, with one request
 * for all names. The result is undefined if there are no such messages, so that a caller need not
 * wait. The promise never rejects and takes at most 1 s. Users whose names have not come by then
 * are unknown.
 */
export type NameSystemMessages = (messages: MessageRecord[]) => Promise<void> | undefined;

export function createNameSystemMessages(lookUp: NameLookUp): NameSystemMessages {
  const name = async (messages: MessageRecord[]): Promise<void> => {
    const names = await lookUp({ users: usersNamedIn(messages) });
    for (const [index, message] of messages.entries()) messages[index] = withNames(message, names);
  };
  return (messages) => (messages.some(namesPeople) ? name(messages) : undefined);
}

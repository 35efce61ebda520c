import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import { namesPeople } from '../../../shared/protocol/system-content.ts';
import type { NameLookUp } from './profile-names.ts';
import { peopleIn, withNames } from './system-names.ts';

/**
 * Puts names into those of `messages` that are the system's or reply to one, with one request for
 * all. It returns undefined if there is no such message, and so nothing to wait for. It never
 * rejects: after 1 s at most it shows those whose names it lacks as unknown.
 */
export type NameSystem = (messages: MessageRecord[]) => Promise<void> | undefined;

export function createNameSystem(lookUp: NameLookUp): NameSystem {
  const name = async (messages: MessageRecord[]): Promise<void> => {
    const names = await lookUp({ users: peopleIn(messages) });
    for (const [index, message] of messages.entries()) messages[index] = withNames(message, names);
  };
  return (messages) => (messages.some(namesPeople) ? name(messages) : undefined);
}

import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { NameLookUp, Names } from './profile-names.ts';
import { usersNamedBy, usersNamedIn } from './system-names.ts';

/**
 * Looks up the names of all users and businesses in the records and messages. The promise never
 * rejects.
 */
export type LookUpNames = (
  records: Iterable<ConversationRecord>,
  messages?: Iterable<MessageRecord>,
) => Promise<Names>;

/** All records and messages of a call share one request for names. */
export function createLookUpNames(lookUp: NameLookUp): LookUpNames {
  return (records, messages = []) => {
    const users: UserId[] = usersNamedIn(messages);
    const businesses: BusinessId[] = [];
    for (const record of records) {
      for (const { user_id: userId } of record.participants) users.push(userId);
      if (record.business_id !== undefined) businesses.push(record.business_id);
      // The last message may tell of a user who has left the conversation since.
      if (record.last_message !== undefined) users.push(...usersNamedBy(record.last_message));
    }
    return lookUp({ users, businesses });
  };
}

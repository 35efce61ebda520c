import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { NameLookUp, Names } from './profile-names.ts';
import { peopleIn, peopleOf } from './system-names.ts';

/** Names for all people and businesses in the records and messages; never rejects. */
export type LookUpNames = (
  records: Iterable<ConversationRecord>,
  messages?: Iterable<MessageRecord>,
) => Promise<Names>;

/** What is shown together is one request for names. */
export function createLookUpNames(lookUp: NameLookUp): LookUpNames {
  return (records, messages = []) => {
    const users: UserId[] = peopleIn(messages);
    const businesses: BusinessId[] = [];
    for (const record of records) {
      for (const { user_id: userId } of record.participants) users.push(userId);
      if (record.business_id !== undefined) businesses.push(record.business_id);
      // Of who did something the last message may tell, and be gone.
      if (record.last_message !== undefined) users.push(...peopleOf(record.last_message));
    }
    return lookUp({ users, businesses });
  };
}

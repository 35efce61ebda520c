import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ConversationShape } from '../../../shared/protocol/shapes.ts';
import { viewOf } from './conversation-view.ts';
import type { LookUpNames } from './record-names.ts';

type Parts = { lookUpNames: LookUpNames };

/** Makes the conversation that `viewer` sees from the record of the store, and puts in names. */
export async function nameConversation(
  { lookUpNames }: Parts,
  record: ConversationRecord,
  viewer: UserId,
): Promise<ConversationShape> {
  return viewOf(record, viewer, await lookUpNames([record]));
}

/** Does the same for several conversations, with one request for all names. */
export async function nameConversations(
  { lookUpNames }: Parts,
  records: readonly ConversationRecord[],
  viewer: UserId,
): Promise<ConversationShape[]> {
  const names = await lookUpNames(records);
  return records.map((record) => viewOf(record, viewer, names));
}

import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ConversationShape } from '../../../shared/protocol/shapes.ts';
import { viewOf } from './conversation-view.ts';
import type { LookUpNames } from './record-names.ts';

type Parts = { lookUpNames: LookUpNames };

/** Shows store's record of a conversation to `viewer`, with names. */
export async function nameConversation(
  { lookUpNames }: Parts,
  record: ConversationRecord,
  viewer: UserId,
): Promise<ConversationShape> {
  return viewOf(record, viewer, await lookUpNames([record]));
}

/** As `nameConversation`, with one request for the names of all. */
export async function nameConversations(
  { lookUpNames }: Parts,
  records: readonly ConversationRecord[],
  viewer: UserId,
): Promise<ConversationShape[]> {
  const names = await lookUpNames(records);
  return records.map((record) => viewOf(record, viewer, names));
}

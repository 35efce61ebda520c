import type { BusinessId, ConversationId, UserId } from '../ids.ts';

/** Bodies about who is there and what they do just now. */

/**
 * A session ends its own typing only. `was_told`: of an end; others may have been told that it
 * types, by a router that is dead.
 */
export type TypingInput = {
  user_id: UserId;
  conversation_id: ConversationId;
  session_id: string;
  is_typing: boolean;
  was_told?: true;
};

export type ContactsList = ({ user_id: UserId } | { business_id: BusinessId }) & {
  cursor?: string;
};
/** ≤ 1000. */
export type ContactsShared = { user_id: UserId; user_ids: UserId[] };
/** Each id once a page; it may come again in a later one. */
export type ContactsPage = { user_ids: UserId[]; next_cursor: string | null };

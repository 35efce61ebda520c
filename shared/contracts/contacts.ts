import type { BusinessId, UserId } from '../ids.ts';

/** Who knows whom by a conversation. */

export type ContactsList = ({ user_id: UserId } | { business_id: BusinessId }) & {
  cursor?: string;
};
/** Each id once a page; it may come again in a later one. */
export type ContactsPage = { user_ids: UserId[]; next_cursor: string | null };
/** ≤ 1000. */
export type ContactsShared = { user_id: UserId; user_ids: readonly UserId[] };

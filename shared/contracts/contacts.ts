import type { BusinessId, UserId } from '../ids.ts';

/** Contacts are users who share a conversation. */

export type ContactsList = ({ user_id: UserId } | { business_id: BusinessId }) & {
  cursor?: string;
};
/** A page holds an id once. A later page may hold it again. */
export type ContactsPage = { user_ids: UserId[]; next_cursor: string | null };
/** A request holds at most 1000 ids. */
export type ContactsShared = { user_id: UserId; user_ids: readonly UserId[] };
/**
 * All of `user_ids` share a conversation with the user. Those of `passing_ids` share only
 * conversations of businesses: an agent can lose one without an event that tells the customer.
 */
export type SharedContacts = { user_ids: UserId[]; passing_ids: UserId[] };

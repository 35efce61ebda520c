/** The package `@kaha/chat-client/business` offers what this file lists. */
export { Businesses } from './businesses.ts';
export type { InboxList, InboxState } from './inbox-list.ts';

import Type, { type Static } from 'typebox';
import { ConversationsShape } from './shapes.ts';

/** The server shows the inbox of a business in these shapes. */

const Count = Type.Integer({ minimum: 0 });

/** `assigned` counts what all agents have, and `mine` what the reader has. */
export const InboxCounts = Type.Object({ waiting: Count, assigned: Count, mine: Count });
export type InboxCounts = Static<typeof InboxCounts>;

export const InboxVersionField = Type.Integer({
  minimum: 0,
  description: 'Rises by one with each change of the inbox',
});

/** `added`: the conversation was closed, and waits now. `updated`: it waits, and has a message. */
export const InboxChangeField = Type.Union([
  Type.Literal('added'),
  Type.Literal('assigned'),
  Type.Literal('released'),
  Type.Literal('closed'),
  Type.Literal('updated'),
]);

/** `inbox_watch` is answered with this shape. */
export const InboxHeadShape = Type.Object({ version: InboxVersionField, counts: InboxCounts });
export type InboxHeadShape = Static<typeof InboxHeadShape>;

/** `inbox` is answered with this shape. */
export const InboxShape = Type.Object({
  ...ConversationsShape.properties,
  ...InboxHeadShape.properties,
});

import Type, { type Static } from 'typebox';
import { described } from './described.ts';
import { ConversationsShape } from './shapes.ts';

/** The server shows the inbox of a business in these shapes. */

const count = (description: string) => Type.Integer({ minimum: 0, description });

/** `assigned` counts what all agents have, and `mine` what the reader has. */
export const InboxCounts = Type.Object({
  waiting: count('So many conversations wait for an agent.'),
  assigned: count('All agents together have so many conversations.'),
  mine: count('The reader has so many conversations.'),
});
export type InboxCounts = Static<typeof InboxCounts>;

export const InboxVersionField = Type.Integer({
  minimum: 0,
  description: 'The version of the inbox rises by one with each change.',
});

/** `added`: the conversation was closed, and waits now. `updated`: it waits, and has a message. */
export const InboxChangeField = Type.Union(
  [
    Type.Literal('added'),
    Type.Literal('assigned'),
    Type.Literal('released'),
    Type.Literal('closed'),
    Type.Literal('updated'),
  ],
  { description: 'The conversation changed so. `updated`: it waits, and has a new message.' },
);

/** `inbox_watch` is answered with this shape. */
export const InboxHeadShape = Type.Object({
  version: InboxVersionField,
  counts: described(InboxCounts, 'The inbox has so many conversations at this version.'),
});
export type InboxHeadShape = Static<typeof InboxHeadShape>;

/** `inbox` is answered with this shape. */
export const InboxShape = Type.Object({
  ...ConversationsShape.properties,
  ...InboxHeadShape.properties,
});

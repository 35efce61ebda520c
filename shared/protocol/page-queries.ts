import Type, { type Static } from 'typebox';
import { CursorField, PageLimitField, readTime, SeqField, TimeField } from './scalars.ts';

/** Which page of a conversation's messages; at most one of the first three. */
export const historyFields = {
  before_seq: Type.Optional(SeqField),
  after_seq: Type.Optional(SeqField),
  since: Type.Optional(TimeField),
  limit: Type.Optional(PageLimitField),
};
export const HistoryQuery = Type.Object(historyFields, { additionalProperties: false });
export type HistoryQuery = Static<typeof HistoryQuery>;

/** Which page of the caller's conversations. */
export const conversationsFields = {
  limit: Type.Optional(PageLimitField),
  cursor: Type.Optional(CursorField),
  archived: Type.Optional(Type.Boolean()),
};
export const ConversationsQuery = Type.Object(conversationsFields, { additionalProperties: false });
export type ConversationsQuery = Static<typeof ConversationsQuery>;

/** What the schema cannot say: one way to page only, and a time that exists. */
export function historyProblem(query: HistoryQuery): string | undefined {
  const ways = [query.before_seq, query.after_seq, query.since];
  if (ways.filter((way) => way !== undefined).length > 1) {
    return 'only one of before_seq, after_seq and since may be given';
  }
  if (query.since !== undefined && readTime(query.since) === undefined) {
    return 'since: is not a time';
  }
  return undefined;
}

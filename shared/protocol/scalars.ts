import Type from 'typebox';
import {
  type BusinessId,
  type ConversationId,
  DEVICE_ID_PATTERN,
  type MessageId,
  type UserId,
  UUID_V4_PATTERN,
} from '../ids.ts';
import { LIMITS } from './limits.ts';

/** These are the smallest parts of the wire contract. Each is the schema of a single value. */

const uuid = (description: string) => ({ type: 'string', pattern: UUID_V4_PATTERN, description });
export const UserIdField = Type.Unsafe<UserId>(uuid('The id names a user.'));
export const ConversationIdField = Type.Unsafe<ConversationId>(
  uuid('The id names a conversation.'),
);
export const MessageIdField = Type.Unsafe<MessageId>(uuid('The id names a message.'));
export const BusinessIdField = Type.Unsafe<BusinessId>(uuid('The id names a business.'));
export const ClientMsgIdField = Type.String({
  pattern: UUID_V4_PATTERN,
  description: 'The sending client makes this UUID v4, and repeats a send with the same one.',
});
export const DeviceIdField = Type.String({
  pattern: DEVICE_ID_PATTERN,
  description: 'The id names the device of the user, and so its queue.',
});

export const SeqField = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'The message has this number in its conversation. The first one has 1.',
});
export const ContentField = Type.String({
  minLength: 1,
  maxLength: LIMITS.contentCharactersMax,
  description: 'The message has this text.',
});
export const MessageTypeField = Type.Union(
  [Type.Literal('text'), Type.Literal('image'), Type.Literal('file'), Type.Literal('voice')],
  { description: 'Apps show the message by this type. A message without one is a `text`.' },
);
/** The schema of metadata cannot limit its size as JSON, so `metadataProblem` does (4 KiB). */
export const MetadataField = Type.Record(Type.String(), Type.Unknown(), {
  description: `Apps keep what they like here, up to ${LIMITS.metadataBytesMax} bytes as JSON.`,
});

/**
 * A time is ISO 8601 in UTC. The server always writes milliseconds, but reads times with zero to
 * six digits behind the seconds.
 */
export const TimeField = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?Z$',
  description: 'The time is ISO 8601 in UTC.',
});
/**
 * Reads a time as milliseconds since 1970. The result is undefined for a time that is not in the
 * calendar. `Date` alone does not find that out, because it reads 30 February as 2 March. The year
 * 0000 is in no calendar of Postgres. Digits behind the milliseconds are cut off.
 */
export function readTime(text: string): number | undefined {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || text.startsWith('0000')) return undefined;
  return new Date(ms).toISOString().startsWith(text.slice(0, 19)) ? ms : undefined;
}
export const PageLimitField = Type.Integer({
  minimum: 1,
  maximum: LIMITS.pageLimitMax,
  description: `The page has at most this many items. The default is ${LIMITS.pageLimitDefault}.`,
});
/** A client hands a cursor back unchanged, and only the server knows what is in it. */
export const CursorField = Type.String({
  minLength: 1,
  maxLength: LIMITS.cursorCharactersMax,
  description: 'This is `next_cursor` of the page before. The first page needs none.',
});
/** Each list shows where its next page begins. */
export const NextCursorField = Type.Union([Type.String(), Type.Null()], {
  description: 'The next page is asked for with this `cursor`. The last page has null.',
});
export const TitleField = Type.String({
  minLength: 1,
  maxLength: LIMITS.titleCharactersMax,
  description: 'The group has this title.',
});
export const DescriptionField = Type.String({
  maxLength: LIMITS.descriptionCharactersMax,
  description: 'The group describes itself so.',
});
export const UrlField = Type.String({
  maxLength: LIMITS.urlCharactersMax,
  pattern: '^https?://[^\\s]+$',
  description: 'The picture is at this address.',
});

/** A client names its requests on one socket, so that it can tell the answers apart. */
export const RequestIdField = Type.Union(
  [Type.String({ maxLength: LIMITS.requestIdCharactersMax }), Type.Integer()],
  { description: 'The client names its request so, and the answer has the same `id`.' },
);

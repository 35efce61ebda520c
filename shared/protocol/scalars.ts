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

const uuid = { type: 'string', pattern: UUID_V4_PATTERN } as const;
export const UserIdField = Type.Unsafe<UserId>(uuid);
export const ConversationIdField = Type.Unsafe<ConversationId>(uuid);
export const MessageIdField = Type.Unsafe<MessageId>(uuid);
export const BusinessIdField = Type.Unsafe<BusinessId>(uuid);
export const ClientMsgIdField = Type.String({ pattern: UUID_V4_PATTERN });
export const DeviceIdField = Type.String({ pattern: DEVICE_ID_PATTERN });

export const SeqField = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const ContentField = Type.String({
  minLength: 1,
  maxLength: LIMITS.contentCharactersMax,
});
export const MessageTypeField = Type.Union([
  Type.Literal('text'),
  Type.Literal('image'),
  Type.Literal('file'),
  Type.Literal('voice'),
]);
/** The schema of metadata cannot limit its size as JSON, so `metadataProblem` does (4 KiB). */
export const MetadataField = Type.Record(Type.String(), Type.Unknown());

/**
 * A time is ISO 8601 in UTC. The server always writes milliseconds, but reads times with zero to
 * six digits behind the seconds.
 */
export const TimeField = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?Z$',
});
/**
 * Reads a time as milliseconds since 1970. The result is undefined for a time that is not in the
 * calendar. `Date` alone does not find that out, because it reads 30 February as 2 March.
 */
export function readTime(text: string): number | undefined {
  const ms = Date.parse(text);
  const isReal = !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.slice(0, 19));
  return isReal ? ms : undefined;
}
export const PageLimitField = Type.Integer({ minimum: 1, maximum: LIMITS.pageLimitMax });
/** A client hands a cursor back unchanged, and only the server knows what is in it. */
export const CursorField = Type.String({ minLength: 1, maxLength: LIMITS.cursorCharactersMax });
export const TitleField = Type.String({ minLength: 1, maxLength: LIMITS.titleCharactersMax });
export const DescriptionField = Type.String({ maxLength: LIMITS.descriptionCharactersMax });
export const UrlField = Type.String({
  maxLength: LIMITS.urlCharactersMax,
  pattern: '^https?://[^\\s]+$',
});

/** A client names its requests on one socket, so that it can tell the answers apart. */
export const RequestIdField = Type.Union([
  Type.String({ maxLength: LIMITS.requestIdCharactersMax }),
  Type.Integer(),
]);

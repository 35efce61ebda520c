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

/** The smallest parts of the contract: what a single value may be. */

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
/** Its size as JSON (≤ 4 KiB) is checked beside the schema. */
export const MetadataField = Type.Record(Type.String(), Type.Unknown());

/** ISO 8601 UTC; the server writes milliseconds always, and reads times without them too. */
export const TimeField = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?Z$',
});
/** Epoch ms; undefined for a time that no calendar has: `Date` reads 30 February as 2 March. */
export function readTime(text: string): number | undefined {
  const ms = Date.parse(text);
  const isReal = !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.slice(0, 19));
  return isReal ? ms : undefined;
}
export const PageLimitField = Type.Integer({ minimum: 1, maximum: LIMITS.pageLimitMax });
/** Opaque: given out by the server, handed back as it was. */
export const CursorField = Type.String({ minLength: 1, maxLength: LIMITS.cursorCharactersMax });
export const TitleField = Type.String({ minLength: 1, maxLength: LIMITS.titleCharactersMax });
export const DescriptionField = Type.String({ maxLength: LIMITS.descriptionCharactersMax });
export const UrlField = Type.String({
  maxLength: LIMITS.urlCharactersMax,
  pattern: '^https?://[^\\s]+$',
});

/** Names a request among those in flight on its socket. */
export const RequestIdField = Type.Union([
  Type.String({ maxLength: LIMITS.requestIdCharactersMax }),
  Type.Integer(),
]);

import { isDeviceId, isUuidV4, type UserId } from '../../../shared/ids.ts';
import { decodeCursor, encodeCursor, notGivenOut } from '../records/opaque-cursor.ts';

/**
 * An export goes through four lists, one after the other, and each list by id: the businesses of
 * which the person is an agent, the conversations with what the person wrote there, the reactions
 * by message, and the devices. It goes on behind this place.
 */
export type ExportPlace =
  | { list: 'agents'; id: string }
  /**
   * The conversation itself was told of. So was the message with this `seq`, if there is one, and
   * its earlier texts up to `version`.
   */
  | { list: 'conversations'; id: string; seq: number; version: number }
  | { list: 'reactions'; id: string; version: number }
  | { list: 'devices'; id: string };

/** No version is higher, because Postgres has 32 bits for it. */
export const VERSION_MAX = 2 ** 31 - 1;
/** This id is lower than any other. */
export const LOWEST_ID = '00000000-0000-0000-0000-000000000000';
export const FIRST_PLACE: ExportPlace = { list: 'agents', id: LOWEST_ID };

const LISTS: readonly ExportPlace['list'][] = ['agents', 'conversations', 'reactions', 'devices'];

type Running = { exportId: string; place: ExportPlace };

/** The cursor is good for this person alone. */
export function encodePlace(userId: UserId, { exportId, place }: Running): string {
  const seq = place.list === 'conversations' ? place.seq : 0;
  const version = 'version' in place ? place.version : 0;
  return encodeCursor(listOf(userId), [exportId, place.list, place.id, seq, version]);
}

/** Any other cursor is refused with INVALID_REQUEST. */
export function decodePlace(userId: UserId, cursor: string): Running {
  const [exportId, list, id, seq, version] = decodeCursor(listOf(userId), cursor, [
    isUuidV4,
    isList,
    isDeviceId,
    isSeq,
    isVersion,
  ]) as [string, ExportPlace['list'], string, number, number];
  if (list === 'devices') return { exportId, place: { list, id } };
  if (!isPlaceId(id)) throw notGivenOut();
  if (list === 'agents') return { exportId, place: { list, id } };
  if (list === 'reactions') return { exportId, place: { list, id, version } };
  return { exportId, place: { list, id, seq, version } };
}

function listOf(userId: UserId): string {
  return `export ${userId}`;
}

function isList(part: unknown): boolean {
  return LISTS.includes(part as ExportPlace['list']);
}

function isPlaceId(part: unknown): boolean {
  return part === LOWEST_ID || isUuidV4(part);
}

function isSeq(part: unknown): boolean {
  return Number.isSafeInteger(part) && (part as number) >= 0;
}

function isVersion(part: unknown): boolean {
  return isSeq(part) && (part as number) <= VERSION_MAX;
}

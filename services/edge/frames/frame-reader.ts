import { KahaError } from '../../../shared/errors.ts';
import { jsonProblem } from '../../../shared/protocol/json-guard.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Asked } from '../server/socket-frames.ts';

export type ClientFrame = { type: string } & Record<string, unknown>;

type Reading =
  | { isGood: true; frame: ClientFrame; asked: Asked }
  | { isGood: false; error: KahaError; asked: Asked };

const NOTHING_ASKED: Asked = { id: undefined, clientMsgId: undefined };
/**
 * An error echoes the `client_msg_id` of its frame even if it is no UUID, but not if it is longer
 * than this.
 */
const CLIENT_MSG_ID_CHARACTERS_MAX = 64;

/**
 * Reads a frame's bytes and does all checks that are the same for each type of frame. The bytes are
 * valid UTF-8, because the server cuts a socket that sends anything else. The result has the `id`
 * and the `client_msg_id` in `asked` even if the frame is bad, as long as it is JSON. An `id` that
 * a double cannot keep is left out, so an answer never has another `id` than its frame.
 */
export function readFrame(bytes: ArrayBuffer, isBinary: boolean): Reading {
  if (isBinary) return bad('a frame must be text');
  const text = Buffer.from(bytes).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bytes.byteLength > LIMITS.frameBytesMax ? tooLarge(NOTHING_ASKED) : bad('not JSON');
  }
  const asked = askedOf(value);
  if (bytes.byteLength > LIMITS.frameBytesMax) return tooLarge(asked);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return bad('a frame must be an object');
  }
  const problem = jsonProblem(value, text);
  if (problem !== undefined) return bad(problem, asked);
  const frame = value as ClientFrame;
  if (typeof frame.type !== 'string') return bad('a frame must have a type', asked);
  return { isGood: true, frame, asked };
}

function askedOf(value: unknown): Asked {
  if (typeof value !== 'object' || value === null) return NOTHING_ASKED;
  const { id, client_msg_id: key } = value as Record<string, unknown>;
  const isId =
    Number.isSafeInteger(id) ||
    (typeof id === 'string' && [...id].length <= LIMITS.requestIdCharactersMax);
  const isKey = typeof key === 'string' && key.length <= CLIENT_MSG_ID_CHARACTERS_MAX;
  if (!isId && !isKey) return NOTHING_ASKED;
  return {
    id: isId ? (id as string | number) : undefined,
    clientMsgId: isKey ? (key as string) : undefined,
  };
}

function bad(problem: string, asked: Asked = NOTHING_ASKED): Reading {
  return { isGood: false, error: new KahaError('INVALID_REQUEST', problem), asked };
}

function tooLarge(asked: Asked): Reading {
  const text = `A frame has at most ${LIMITS.frameBytesMax} bytes`;
  return { isGood: false, error: new KahaError('PAYLOAD_TOO_LARGE', text), asked };
}

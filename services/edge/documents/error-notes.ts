import { type ErrorCode, KahaError, type WireError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';

const LIMIT_PROBLEM = `limit: must be <= ${LIMITS.pageLimitMax}`;

type ErrorNote = { meaning: string; advice: string; message: string; details?: unknown };

/**
 * The documents say of each error what it means and what a client then does. `message` and
 * `details` are those of the example.
 */
export const ERROR_NOTES: Readonly<Record<ErrorCode, ErrorNote>> = {
  INVALID_REQUEST: {
    meaning: 'The request is malformed. `details.problems` lists what is wrong with it.',
    advice: 'Mend the client. The same request fails again.',
    message: LIMIT_PROBLEM,
    details: { problems: [LIMIT_PROBLEM] },
  },
  UNAUTHENTICATED: {
    meaning: 'The token is missing or bad. On a socket, a frame came before `auth`.',
    advice: 'Fetch a new token, and ask again with it.',
    message: 'The token has ended',
  },
  NOT_A_PARTICIPANT: {
    meaning: 'The conversation exists, but the caller does not take part in it, or not any more.',
    advice: 'Forget what is shown of the conversation.',
    message: 'Not a participant of the conversation',
  },
  FORBIDDEN: {
    meaning: 'The caller may not do this. Only others may, such as an admin or an agent.',
    advice: 'Do not ask again. Hide the control that asked.',
    message: 'Only an admin may do this',
  },
  CONVERSATION_NOT_FOUND: {
    meaning: 'There is no such conversation.',
    advice: 'Forget what is shown of the conversation.',
    message: 'No such conversation',
  },
  MESSAGE_NOT_FOUND: {
    meaning: 'There is no such message, or the caller cannot see it.',
    advice: 'Forget the message.',
    message: 'No such message',
  },
  NOT_FOUND: {
    meaning: 'There is no such path or thing.',
    advice: 'Do not ask again. An older server may not have the feature.',
    message: 'There is no such path',
  },
  CONFLICT: {
    meaning: 'The request does not fit what holds now. `details` may tell what holds.',
    advice: 'Read again what the request was about, then decide.',
    message: 'Another agent has the conversation',
    details: { assignee_id: '7b1c9f04-6d1e-4c0a-8a55-0f9d3c2b1a10' },
  },
  PAYLOAD_TOO_LARGE: {
    meaning: 'The frame or the body is larger than the limit.',
    advice: 'Send less.',
    message: `A frame has at most ${LIMITS.frameBytesMax} bytes`,
  },
  RATE_LIMITED: {
    meaning: 'The caller asks too often.',
    advice: 'Ask again after `retry_after` seconds.',
    message: 'Too many requests',
  },
  INTERNAL: {
    meaning: 'The server has a bug. Its log tells more.',
    advice: 'Do not ask again by itself. Tell the user.',
    message: 'Internal error',
  },
  DATABASE_UNAVAILABLE: {
    meaning: 'The database is away. The request may or may not have been carried out.',
    advice: 'Ask again after `retry_after` seconds, with the same `client_msg_id`.',
    message: 'The database is not available',
  },
  MESSAGING_UNAVAILABLE: {
    meaning: 'The services cannot reach each other, or the server has no room.',
    advice: 'Ask again after `retry_after` seconds, with the same `client_msg_id`.',
    message: 'Messaging is not available',
  },
  PROFILE_SERVICE_UNAVAILABLE: {
    meaning: 'The server cannot fetch the keys that tokens are checked with.',
    advice: 'Ask again after `retry_after` seconds, with the same token.',
    message: 'Tokens cannot be verified now',
  },
  TIMEOUT: {
    meaning: 'No answer came in time. The request may or may not have been carried out.',
    advice: 'Ask again, with the same `client_msg_id`.',
    message: 'No answer in time',
  },
};

/** Returns an error as clients get it, for the examples. */
export function exampleError(code: ErrorCode): WireError {
  const { message, details } = ERROR_NOTES[code];
  return new KahaError(code, message, { details }).toWire();
}

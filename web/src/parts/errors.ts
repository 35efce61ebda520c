import { ChatError, type ChatErrorCode } from '../../../clients/js/src/errors.ts';

const WORDS: Partial<Record<ChatErrorCode, string>> = {
  CLOSED: 'You are not connected.',
  CONFLICT: 'Somebody else was faster.',
  CONVERSATION_NOT_FOUND: 'This conversation is not there, or you do not take part in it.',
  DATABASE_UNAVAILABLE: 'The server cannot do that right now. Try again in a moment.',
  DISCONNECTED: 'There is no connection. Try again when you are online.',
  FORBIDDEN: 'You may not do that.',
  INTERNAL: 'Something went wrong on the server.',
  MESSAGE_NOT_FOUND: 'This message is not there any more.',
  MESSAGING_UNAVAILABLE: 'The server cannot do that right now. Try again in a moment.',
  NO_TOKEN: 'You could not be signed in.',
  NOT_A_PARTICIPANT: 'You do not take part in this conversation.',
  NOT_FOUND: 'That is not there.',
  OUTBOX_FULL: 'Too many messages wait to be sent.',
  PAYLOAD_TOO_LARGE: 'That is too long.',
  PROFILE_SERVICE_UNAVAILABLE: 'The server cannot look up names right now.',
  RATE_LIMITED: 'That was too fast. Wait a moment.',
  TIMEOUT: 'The server did not answer in time.',
  TOO_MANY_REQUESTS: 'That was too fast. Wait a moment.',
  UNAUTHENTICATED: 'The server does not accept who you are.',
};

/** Says in plain words why something failed. An unusual refusal is said in the server's words. */
export function sayError(error: unknown): string {
  const { code, message } = ChatError.from(error);
  return WORDS[code] ?? message;
}

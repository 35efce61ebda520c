import type { WireError } from './protocol/shapes.ts';

/** The server refuses with these codes. Its documents say what each means. */
export type ServerErrorCode =
  | 'INVALID_REQUEST'
  | 'UNAUTHENTICATED'
  | 'NOT_A_PARTICIPANT'
  | 'FORBIDDEN'
  | 'CONVERSATION_NOT_FOUND'
  | 'MESSAGE_NOT_FOUND'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'PAYLOAD_TOO_LARGE'
  | 'RATE_LIMITED'
  | 'INTERNAL'
  | 'DATABASE_UNAVAILABLE'
  | 'MESSAGING_UNAVAILABLE'
  | 'PROFILE_SERVICE_UNAVAILABLE'
  | 'TIMEOUT';

/** The client itself refuses with these codes. `TIMEOUT` may come from either side. */
export type ClientErrorCode =
  /** The connection ended before the answer, or there was none in time. */
  | 'DISCONNECTED'
  /** The server has closed the connection for good, or `disconnect` was called. */
  | 'CLOSED'
  /** More requests are under way than the client allows. */
  | 'TOO_MANY_REQUESTS'
  /** The outbox holds as many messages or bytes as it may. */
  | 'OUTBOX_FULL'
  /** The application took the message out of the outbox. */
  | 'DISCARDED'
  /** `getToken` failed, or gave no token. */
  | 'NO_TOKEN';

export type ChatErrorCode = ServerErrorCode | ClientErrorCode;

const RETRYABLE = /_UNAVAILABLE|LIMITED|TIMEOUT|DISCONNECTED|TOO_MANY|NO_TOKEN/;

type Options = { details?: unknown; retryAfterMs?: number | undefined; cause?: unknown };

/** Every promise of the client that fails rejects with a ChatError. */
export class ChatError extends Error {
  declare readonly code: ChatErrorCode;
  /** The server may tell more about the refusal, for example who was faster. */
  declare readonly details: unknown;
  /** The server asks not to repeat the request before this time has passed. */
  declare readonly retryAfterMs: number | undefined;

  constructor(code: ChatErrorCode, message: string, options: Options = {}) {
    super(message);
    Object.assign(this, options, { name: 'ChatError', code });
  }

  /** The same request may succeed later without a change. */
  get isRetryable(): boolean {
    return RETRYABLE.test(this.code);
  }

  /** Turns any thrown value into a ChatError. */
  static from(thrown: unknown): ChatError {
    if (thrown instanceof ChatError) return thrown;
    return new ChatError('INTERNAL', String(thrown), { cause: thrown });
  }
}

/** Reads the error of an answer. */
export function fromWire({ code, message, details, retry_after }: WireError): ChatError {
  const retryAfterMs = retry_after && retry_after * 1_000;
  return new ChatError(code as ServerErrorCode, message, { details, retryAfterMs });
}

import type { ErrorShape } from './protocol/shapes.ts';

type ErrorRow = { status: number; retryable: boolean; retryAfterS?: number };

/**
 * This is the one table of errors. An error is `retryable` if the same request may succeed later
 * without a change. The consume loop puts a message back after a retryable error, and drops it as
 * poison after any other. `retryAfterS` is the number of seconds that a 503 or 429 tells in
 * `Retry-After`, unless the code that throws the error gives another number.
 */
export const ERRORS = {
  INVALID_REQUEST: { status: 400, retryable: false },
  UNAUTHENTICATED: { status: 401, retryable: false },
  NOT_A_PARTICIPANT: { status: 403, retryable: false },
  FORBIDDEN: { status: 403, retryable: false },
  CONVERSATION_NOT_FOUND: { status: 404, retryable: false },
  MESSAGE_NOT_FOUND: { status: 404, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  CONFLICT: { status: 409, retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false },
  RATE_LIMITED: { status: 429, retryable: true, retryAfterS: 1 },
  INTERNAL: { status: 500, retryable: false },
  DATABASE_UNAVAILABLE: { status: 503, retryable: true, retryAfterS: 2 },
  MESSAGING_UNAVAILABLE: { status: 503, retryable: true, retryAfterS: 1 },
  PROFILE_SERVICE_UNAVAILABLE: { status: 503, retryable: true, retryAfterS: 2 },
  TIMEOUT: { status: 504, retryable: true },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * An error has the same body on the wire in frames, in HTTP answers and in RPC replies. The seconds
 * of `retry_after` may be a fraction.
 */
export type WireError = Omit<ErrorShape, 'code'> & { code: ErrorCode };

/**
 * The server closes WebSockets with these codes. A client reconnects after 4000-4499. After
 * 4500-4999 it does not reconnect until something changes.
 */
export const CLOSE = {
  GOING_AWAY: 4000,
  SERVER_ERROR: 4001,
  TOKEN_EXPIRED: 4005,
  SLOW_READER: 4008,
  NO_HEARTBEAT: 4012,
  NO_ACKNOWLEDGEMENT: 4013,
  BAD_TOKEN: 4500,
  TOO_MANY_BAD_FRAMES: 4501,
  AUTH_TIMEOUT: 4502,
  KICKED: 4503,
  TOO_MANY_DEVICES: 4504,
  REPLACED: 4505,
} as const;

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

type Options = {
  details?: unknown;
  retryAfterS?: number;
  cause?: unknown;
  noResponders?: boolean;
  /** This HTTP status says it better than the one that the code has. */
  status?: number;
};

/** Every failure that may reach a client is a KahaError. The boundary turns it into wire form. */
export class KahaError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly retryAfterS: number | undefined;
  /**
   * This is true if nobody listened on the subject of an RPC. Then the RPC was surely not carried
   * out, and the caller may ask another instance.
   */
  readonly noResponders: boolean;
  readonly status: number;

  constructor(code: ErrorCode, message: string, options: Options = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KahaError';
    this.code = code;
    this.details = options.details;
    const row: ErrorRow = ERRORS[code];
    this.retryAfterS = options.retryAfterS ?? row.retryAfterS;
    this.noResponders = options.noResponders ?? false;
    this.status = options.status ?? row.status;
  }

  get isRetryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  toWire(): WireError {
    const wire: WireError = { code: this.code, message: this.message };
    if (this.details !== undefined) wire.details = this.details;
    if (this.retryAfterS !== undefined) wire.retry_after = this.retryAfterS;
    return wire;
  }

  /** Reads an error that a peer sent. A code that this version does not know becomes INTERNAL. */
  static fromWire(wire: WireError): KahaError {
    const code = wire.code in ERRORS ? wire.code : 'INTERNAL';
    const options: Options = { details: wire.details };
    if (wire.retry_after !== undefined) options.retryAfterS = wire.retry_after;
    return new KahaError(code, wire.message, options);
  }

  /**
   * Turns any thrown value into a KahaError. A value that is no KahaError becomes INTERNAL, without
   * its text, and is kept as the cause.
   */
  static from(thrown: unknown): KahaError {
    if (thrown instanceof KahaError) return thrown;
    return new KahaError('INTERNAL', 'Internal error', { cause: thrown });
  }
}

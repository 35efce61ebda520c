type ErrorRow = { status: number; retryable: boolean; retryAfterS?: number };

/**
 * The one table of errors. `retryable` says that the same request may succeed later without a
 * change: the consume loop puts such a message back, and drops it as poison otherwise.
 * `retryAfterS` is what a 503 or 429 says in `Retry-After` when the thrower gives nothing better.
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

/** The body of an error on the wire, the same in frames, HTTP answers and RPC replies. */
export type WireError = {
  code: ErrorCode;
  message: string;
  details?: unknown;
  /** Seconds, may be fractional. */
  retry_after?: number;
};

/** WebSocket close codes: 4000-4499 reconnect, 4500-4999 do not until something changes. */
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

type Options = { details?: unknown; retryAfterS?: number; cause?: unknown; noResponders?: boolean };

/** Every failure that may reach a client; turned into wire form at the boundary. */
export class KahaError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly retryAfterS: number | undefined;
  /** Nobody listens on the RPC's subject: it was surely not carried out, another may be asked. */
  readonly noResponders: boolean;

  constructor(code: ErrorCode, message: string, options: Options = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KahaError';
    this.code = code;
    this.details = options.details;
    const row: ErrorRow = ERRORS[code];
    this.retryAfterS = options.retryAfterS ?? row.retryAfterS;
    this.noResponders = options.noResponders ?? false;
  }

  get status(): number {
    return ERRORS[this.code].status;
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

  /** The error a peer sent; a code this version does not know becomes INTERNAL. */
  static fromWire(wire: WireError): KahaError {
    const code = wire.code in ERRORS ? wire.code : 'INTERNAL';
    const options: Options = { details: wire.details };
    if (wire.retry_after !== undefined) options.retryAfterS = wire.retry_after;
    return new KahaError(code, wire.message, options);
  }

  /** Any thrown value as a KahaError; what is not one becomes INTERNAL without its text. */
  static from(thrown: unknown): KahaError {
    if (thrown instanceof KahaError) return thrown;
    return new KahaError('INTERNAL', 'Internal error', { cause: thrown });
  }
}

/**
 * A frame door lets clients ask for an operation with a frame of this `type`. The frame's other
 * fields, without `id`, are the request.
 */
export type FrameDoor = {
  type: string;
  /** `/asyncapi.json` shows this summary instead of the operation's. */
  summary?: string;
  /**
   * By default, the dispatcher sends the result of a frame that carries an `id`, and all errors.
   * `always` makes it send the result without an `id` too. `never` is for a frame without a result,
   * and makes it send no refusal by the rate limit either.
   */
  answered?: 'always' | 'never';
  /** The handler itself sends this event, and the client takes the event for the answer. */
  event?: 'pong' | 'auth_ok';
  /**
   * If this is true, the dispatcher does not carry out a frame beyond the rate, but answers the
   * frame as if it had done so.
   */
  isDroppable?: boolean;
  /**
   * A client sends this frame by itself, so the frame does not show that somebody uses the client.
   */
  isRoutine?: boolean;
};

type Status = 200 | 201 | 202 | 204;

/**
 * A REST door lets clients ask for an operation with a REST call. The path gives the fields of the
 * request that it names as `:field`. The query gives the other fields of a GET, and the body gives
 * the other fields of any other method.
 */
export type RestDoor<Request = Record<string, unknown>, Result = unknown> = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The path begins behind `/api/v1`, with a slash. */
  path: string;
  /** `/openapi.json` shows this summary instead of the operation's. */
  summary?: string;
  /** Calls through this door always have these values in these fields. */
  fixed?: Partial<Request>;
  /** The whole body is the value of this field. */
  wholeBody?: keyof Request & string;
  /** A body may have this many bytes. The default is 64 KiB. */
  bodyBytesMax?: number;
  /** `/openapi.json` calls the schema of the body by this name. */
  bodyName?: string;
  /** The header `Idempotency-Key` may give this field instead of the body. */
  idempotencyKey?: keyof Request & string;
  /**
   * Each status has its meaning here, for `/openapi.json`. The default is 200, or 204 for an
   * operation without an answer.
   */
  statuses?: Readonly<Partial<Record<Status, string>>>;
  /** Chooses the status of a call that was carried out. The default is 200. */
  status?(result: Result): Status;
};

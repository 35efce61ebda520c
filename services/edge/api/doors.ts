/** How a client asks for an operation with a frame, whose other fields are the request. */
export type FrameDoor = {
  /** The frame's `type`. */
  type: string;
  /** The door's own line for `/asyncapi.json`. */
  summary?: string;
  /** By default a frame is answered if it carries an `id`. Its errors are told unless `never`. */
  answered?: 'always' | 'never';
  /** The handler itself sends this event, which is the answer. */
  event?: 'pong' | 'auth_ok';
  /** A frame beyond the rate is not carried out, and is answered as if it had been. */
  isDroppable?: boolean;
};

type Status = 200 | 201 | 204;

/**
 * How a client asks for an operation with a REST call. The path gives the fields that it names as
 * `:field`. Of the others, the query gives them to a GET, and the body to any other method.
 */
export type RestDoor<Request = Record<string, unknown>, Result = unknown> = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`. */
  path: string;
  /** The door's own line for `/openapi.json`. */
  summary?: string;
  /** Fields whose values follow from the door. */
  fixed?: Partial<Request>;
  /** The one field that the whole body is. */
  wholeBody?: keyof Request & string;
  /** The body's name in `/openapi.json`. */
  bodyName?: string;
  /** The field that may come as the header `Idempotency-Key` instead. */
  idempotencyKey?: keyof Request & string;
  /** What each status means. Default: 200, or 204 for an operation without an answer. */
  statuses?: Readonly<Partial<Record<Status, string>>>;
  /** The status of a call that was carried out, where `statuses` has several. */
  status?(result: Result): Status;
};

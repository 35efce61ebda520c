/** The server hands over each HTTP request in this form. A header that is missing is empty. */
export type HttpCall = {
  /** The method is in upper case. */
  method: string;
  path: string;
  /** The query is still encoded, and without the `?`. */
  query: string;
  authorization: string;
  origin: string;
  idempotencyKey: string;
  traceparent: string;
  ifNoneMatch: string;
  acceptEncoding: string;
  contentEncoding: string;
  /** A body larger than any call may send is undefined, and a missing body is empty. */
  body: Buffer | undefined;
  /** The body did not come within some seconds. */
  isBodyLate?: true;
  /** The bodies of all calls together have no room for this one. */
  lacksRoom?: boolean;
};

export type HttpAnswer = {
  status: number;
  headers: readonly (readonly [string, string])[];
  /** An answer without a body has an empty one. */
  body: string | Buffer;
};

/** A request as the server hands it over; headers are empty where they are not there. */
export type HttpCall = {
  /** Upper case. */
  method: string;
  path: string;
  /** Raw, without `?`. */
  query: string;
  authorization: string;
  origin: string;
  idempotencyKey: string;
  traceparent: string;
  ifNoneMatch: string;
  /** Undefined where it is larger than 64 KiB; empty where there is none. */
  body: Buffer | undefined;
};

export type HttpAnswer = {
  status: number;
  headers: readonly (readonly [string, string])[];
  /** Empty for none. */
  body: string | Buffer;
};

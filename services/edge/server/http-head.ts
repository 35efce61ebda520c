import type { HttpRequest } from './uws-library.ts';

/** A request has this head. A header that stands more than once has its first value here. */
export type Head = {
  /** The method is in upper case. */
  method: string;
  path: string;
  /** The query is still encoded, and without the `?`. */
  query: string;
  headers: ReadonlyMap<string, string>;
  /** One of these headers stands more than once: those that frame a request or say whose it is. */
  repeated: string | undefined;
};

/** If one of these stands twice, a proxy and the edge may read two different requests. */
const SINGLE: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'host',
  'transfer-encoding',
]);
const LENGTH = /^\d{1,15}$/;

export function readHead(req: HttpRequest): Head {
  const headers = new Map<string, string>();
  let repeated: string | undefined;
  req.forEach((name, value) => {
    if (!headers.has(name)) headers.set(name, value);
    else if (SINGLE.has(name)) repeated ??= name;
  });
  return {
    method: req.getCaseSensitiveMethod().toUpperCase(),
    path: req.getUrl(),
    // The library's declared types do not say that a URL without a query has undefined here.
    query: req.getQuery() ?? '',
    headers,
    repeated,
  };
}

/**
 * Says why it is not certain where a request ends, or whose it is. The library takes the first of
 * several lengths, and reads every `Transfer-Encoding` as `chunked`. A proxy that decides otherwise
 * would take the rest of one client's request for the request of another.
 */
export function headProblem({ headers, repeated }: Head): string | undefined {
  if (repeated !== undefined) return `The header ${repeated} stands more than once`;
  const length = headers.get('content-length');
  const coding = headers.get('transfer-encoding');
  if (length !== undefined && coding !== undefined) {
    return 'A request has Content-Length or Transfer-Encoding, and not both';
  }
  if (length !== undefined && !LENGTH.test(length)) return 'The Content-Length is no number';
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return 'The only Transfer-Encoding is chunked';
  }
  return undefined;
}

/** Returns the length of the body in bytes. A body in chunks has `Infinity`, no body has 0. */
export function bodyLengthOf({ headers }: Head): number {
  if (headers.has('transfer-encoding')) return Number.POSITIVE_INFINITY;
  return Number(headers.get('content-length') ?? 0);
}

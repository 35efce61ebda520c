const BEARER = /^bearer +([^\s]+) *$/i;

/** The token of an `Authorization` header; undefined where it is another scheme or malformed. */
export function bearerToken(authorization: string): string | undefined {
  return BEARER.exec(authorization)?.[1];
}

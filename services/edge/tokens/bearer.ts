const BEARER = /^bearer +([^\s]+) *$/i;

/**
 * Returns the token of an `Authorization` header, or undefined where it has another scheme or is
 * malformed.
 */
export function bearerToken(authorization: string): string | undefined {
  return BEARER.exec(authorization)?.[1];
}

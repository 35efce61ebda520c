/** The server closes sockets with these codes, which the client treats in a way of their own. */
export const GOING_AWAY = 4000;
export const TOKEN_EXPIRED = 4005;
export const BAD_TOKEN = 4500;

const REFUSED_MIN = 4500;
const REFUSED_MAX = 4999;

/** Tells whether a client must not come back after this code until something has changed. */
export function isRefusal(code: number): boolean {
  return code >= REFUSED_MIN && code <= REFUSED_MAX;
}

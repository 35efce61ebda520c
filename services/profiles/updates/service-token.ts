import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Compares `Authorization: Bearer …` in a time that reveals nothing of the token, not even its
 * length.
 */
export function createTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(`Bearer ${token}`);
  return (authorization = '') => {
    const given = authorization.replace(/^bearer /i, 'Bearer ');
    return timingSafeEqual(digest(given), expected);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

import type { Socket } from '../session/session.ts';
import type { HttpResponse } from './uws-library.ts';

/**
 * Grants an upgrade later than in its handler, after a token's key had to be asked for. It must not
 * be corked then: the library's cork would go on with the socket as HTTP if its memory did not
 * move; by what it finds there, it closes one socket in some hundreds (1006). But the library warns
 * on stderr of each upgrade outside of a cork. It corks one socket at a time, so within the cork of
 * another socket the cork of `res` does nothing but keep the library silent.
 */
export function grantLate(res: HttpResponse, other: Socket, grant: () => void): void {
  other.cork(() => {
    res.cork(grant);
  });
}

import { isUuidV4, NOBODY, type UserId } from '../../../shared/ids.ts';

type ClaimRules = { issuer: string | undefined; audience: string | undefined };

/**
 * A token belongs to this user, was issued at `issuedAt`, and ends at `endsAt` (epoch ms). One that
 * does not say when it was issued has 0.
 */
export type Claims = { userId: UserId; issuedAt: number; endsAt: number };

const MS_PER_S = 1_000;
/** The clock of the issuer may be ahead by this. An end counts by the edge's clock alone. */
const AHEAD_MAX_MS = 60_000;

/**
 * Reads the claims of a token. Its signature may not have been judged yet: a token whose claims are
 * bad is bad whoever signed it. Returns a text that says what is wrong with bad claims.
 */
export function readClaims(
  claims: Record<string, unknown>,
  rules: ClaimRules,
  nowMs: number,
): Claims | string {
  const { sub, exp, nbf, iat, iss, aud } = claims;
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return 'The token has no end';
  if (exp * MS_PER_S <= nowMs) return 'The token has ended';
  if (!hasBegun(nbf, nowMs)) return 'The token is not valid yet';
  if (!hasBegun(iat, nowMs)) return 'The token was issued in the future';
  if (rules.issuer !== undefined && iss !== rules.issuer) return 'The token has another issuer';
  if (rules.audience !== undefined && !isFor(aud, rules.audience)) {
    return 'The token is for another audience';
  }
  if (!isUuidV4(sub) || sub === NOBODY) return 'The token names no user';
  const issuedAt = typeof iat === 'number' ? iat * MS_PER_S : 0;
  return { userId: sub, issuedAt, endsAt: exp * MS_PER_S };
}

function hasBegun(time: unknown, nowMs: number): boolean {
  if (time === undefined) return true;
  return typeof time === 'number' && time * MS_PER_S <= nowMs + AHEAD_MAX_MS;
}

function isFor(aud: unknown, audience: string): boolean {
  return aud === audience || (Array.isArray(aud) && aud.includes(audience));
}

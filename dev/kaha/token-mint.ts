import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK, SignJWT } from 'jose';

/**
 * Edges are configured to expect these terms of the stand-in's tokens. RS256 mints 1.2k a second,
 * ES256 8k.
 */
export const TOKEN_TERMS = { algorithm: 'ES256', issuer: 'kaha-main-v3', audience: 'kaha-chat' };

const KEY_ID = 'dev-1';

export type TokenMint = {
  jwks: { keys: JWK[] };
  mint(userId: string, ttlS: number): Promise<string>;
};

/** Signs tokens with a key that is kept in `keyFile`, so that the tokens outlive a restart. */
export async function createTokenMint(keyFile: string): Promise<TokenMint> {
  const { algorithm, issuer, audience } = TOKEN_TERMS;
  if (!existsSync(keyFile)) {
    const pair = await generateKeyPair(algorithm, { extractable: true });
    writeFileSync(keyFile, await exportPKCS8(pair.privateKey), { mode: 0o600 });
  }
  const key = await importPKCS8(readFileSync(keyFile, 'utf8'), algorithm, { extractable: true });
  const { kty, crv, x, y } = await exportJWK(key);
  return {
    jwks: { keys: [{ kty, crv, x, y, alg: algorithm, use: 'sig', kid: KEY_ID } as JWK] },
    mint: (userId, ttlS) =>
      new SignJWT({})
        .setProtectedHeader({ alg: algorithm, kid: KEY_ID })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1000) + ttlS)
        .sign(key),
  };
}

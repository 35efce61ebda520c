import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import { TOKEN_TERMS } from '../../dev/kaha/token-mint.ts';
import type { EdgePlace } from '../../dev/servers/proxy-servers.ts';
import type { System } from '../stage/stack.ts';

type Listed = { service: string; port?: number; admin_port?: number };

/** Returns the ports of the system's edges, for the settings of a proxy. */
export function edgePlaces({ places }: System): EdgePlace[] {
  const { processes } = JSON.parse(readFileSync(places.stackFile, 'utf8')) as {
    processes: Listed[];
  };
  return processes
    .filter(({ service }) => service === 'edge')
    .map(({ port = 0, admin_port: adminPort = 0 }) => ({ port, adminPort }));
}

/** Resolves with a good token of this length, which the stand-in's own key has signed. */
export async function tokenOfLength({ places }: System, userId: string, length: number) {
  const { algorithm, issuer, audience } = TOKEN_TERMS;
  const pem = readFileSync(join(places.dataDir, 'kaha-jwt-key.pem'), 'utf8');
  const key = await importPKCS8(pem, algorithm);
  const iat = Math.floor(Date.now() / 1_000);
  const sign = (typ: string, pad: string): Promise<string> =>
    new SignJWT({ pad, iat, exp: iat + 300 })
      .setProtectedHeader({ alg: algorithm, kid: 'dev-1', typ })
      .setSubject(userId)
      .setIssuer(issuer)
      .setAudience(audience)
      .sign(key);
  // Base64 has no text of 1, 5, 9 … characters, so one of two types leads to each length.
  for (const typ of ['J', 'JWT']) {
    let token = await sign(typ, '');
    for (let pad = 0; token.length < length; ) {
      pad += Math.max(1, Math.floor(((length - token.length) * 3) / 4));
      token = await sign(typ, 'x'.repeat(pad));
    }
    if (token.length === length) return token;
  }
  throw new Error(`no token of ${length} characters`);
}

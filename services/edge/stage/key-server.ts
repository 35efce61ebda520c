import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { newId, type UserId } from '../../../shared/ids.ts';

/** A test says how the key server answers: with keys, with any text, a status, or not at all. */
type Manner =
  | { keys: readonly JWK[] }
  | { text: string }
  | { status: number }
  | { write: (response: ServerResponse) => void }
  | 'hang';

export type Signer = { jwk: JWK; sign(claims?: Record<string, unknown>): Promise<string> };

/** Makes a key, and signs tokens with it. */
export async function makeSigner(keyId: string | undefined, alg = 'ES256'): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const name = keyId === undefined ? {} : { kid: keyId };
  const jwk = { ...(await exportJWK(publicKey)), ...name, alg };
  return { jwk, sign: (claims = {}) => sign(privateKey, { alg, ...name }, claims) };
}

function sign(key: CryptoKey, header: { alg: string }, claims: Record<string, unknown>) {
  return new SignJWT({ sub: newId<UserId>(), jti: newId<string>(), ...claims })
    .setProtectedHeader(header)
    .setExpirationTime('5m')
    .sign(key);
}

/** This key server answers in the manner that a test sets. */
export async function startKeyServer(first: Manner) {
  const server = createServer((_, response) => {
    scripted.asked += 1;
    const { manner } = scripted;
    if (manner === 'hang') return;
    if ('write' in manner) return manner.write(response);
    if ('status' in manner) response.writeHead(manner.status).end();
    else if ('text' in manner) response.end(manner.text);
    else response.end(JSON.stringify({ keys: manner.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const scripted = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    manner: first,
    asked: 0,
    close(): void {
      server.closeAllConnections();
      server.close();
    },
  };
  return scripted;
}

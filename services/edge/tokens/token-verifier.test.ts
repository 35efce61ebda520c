import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import t from 'tap';
import { newId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import type { TokenConfig } from '../config.ts';
import { readClaims } from './token-claims.ts';
import { TokenVerifier } from './token-verifier.ts';

const SECRET = 'a secret that is long enough for HS512 too, and a bit more';
const userId = newId<string>();

function sign(alg: string, key: CryptoKey | Uint8Array, header: object = {}): Promise<string> {
  return new SignJWT({ sub: userId, jti: newId<string>() })
    .setProtectedHeader({ alg, ...header })
    .setExpirationTime('5m')
    .sign(key);
}

function verifierOf(
  key: TokenConfig['key'],
  algorithms: string[],
  now?: () => number,
): TokenVerifier {
  const logger = createLogger({ service: 't', instance: 't-1', level: 'silent', hashKey: 'k' });
  const deps = now === undefined ? { logger } : { logger, now };
  return new TokenVerifier({ key, algorithms, issuer: undefined, audience: undefined }, deps);
}

async function outcome(verifier: TokenVerifier, token: string): Promise<string> {
  try {
    return (await verifier.verify(token)).userId;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** Returns the token with one bit of one part turned. */
function tampered(token: string, part: number): string {
  const parts = token.split('.');
  const bytes = Buffer.from(parts[part] as string, 'base64url');
  bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 1;
  parts[part] = bytes.toString('base64url');
  return parts.join('.');
}

t.test('a token of a shared secret is verified at once', async (t) => {
  const secret = new TextEncoder().encode(SECRET);
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    const verifier = verifierOf({ kind: 'secret', secret: SECRET }, [alg]);
    t.match(verifier.verify(await sign(alg, secret)), { userId }, alg);
    const token = await sign(alg, secret);
    for (const part of [1, 2]) {
      t.equal(await outcome(verifier, tampered(token, part)), 'UNAUTHENTICATED');
    }
    const other = new TextEncoder().encode(`${SECRET}!`);
    t.equal(await outcome(verifier, await sign(alg, other)), 'UNAUTHENTICATED');
  }
});

t.test('the key server is asked once, and no key serves another algorithm', async (t) => {
  const keys: JWK[] = [];
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const algorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
  const pairs = new Map<string, CryptoKey>();
  for (const alg of algorithms) {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    pairs.set(alg, privateKey);
    keys.push({ ...(await exportJWK(publicKey)), kid: `k-${alg}`, alg });
  }
  const verifier = verifierOf({ kind: 'jwks', url }, algorithms);
  for (const alg of algorithms) {
    const key = pairs.get(alg) as CryptoKey;
    const kid = `k-${alg}`;
    t.equal(await outcome(verifier, await sign(alg, key, { kid })), userId);
    t.match(verifier.verify(await sign(alg, key, { kid })), { userId }, `${alg} at once`);
    const token = await sign(alg, key, { kid });
    t.equal(await outcome(verifier, tampered(token, 2)), 'UNAUTHENTICATED');
    t.equal(await outcome(verifier, tampered(token, 1)), 'UNAUTHENTICATED');
  }
  t.equal(asked, 1);
  const fresh = verifierOf({ kind: 'jwks', url }, algorithms);
  await fresh.loadKeys();
  const rsa = pairs.get('RS256') as CryptoKey;
  t.match(fresh.verify(await sign('RS256', rsa, { kid: 'k-RS256' })), { userId }, 'loaded ahead');
  t.equal(await outcome(fresh, await sign('RS256', rsa)), userId, 'a key without a name');
  const foreign = (await generateKeyPair('RS256')).privateKey;
  t.equal(
    await outcome(verifier, await sign('RS256', foreign, { kid: 'k-RS256' })),
    'UNAUTHENTICATED',
  );
  const published = new TextEncoder().encode(JSON.stringify(keys[0]));
  const confused = await sign('HS256', published, { kid: 'k-RS256' });
  t.equal(await outcome(verifier, confused), 'UNAUTHENTICATED', 'a public key is no secret');
  const unsigned = new UnsecuredJWT({ sub: userId }).setExpirationTime('5m').encode();
  t.equal(await outcome(verifier, unsigned), 'UNAUTHENTICATED', 'alg none');
  const renamed = await sign('PS256', pairs.get('PS256') as CryptoKey, { kid: 'k-RS256' });
  t.equal(await outcome(verifier, renamed), 'UNAUTHENTICATED', 'a key for another algorithm');
  const critical = await sign('RS256', pairs.get('RS256') as CryptoKey, {
    kid: 'k-RS256',
    crit: ['b64'],
    b64: true,
  }).catch(() => 'a.b.c');
  t.type(await outcome(verifier, critical), 'string');
});

t.test('wrong signatures that take half of the time leave unknown tokens unjudged', async (t) => {
  const secret = new TextEncoder().encode(SECRET);
  const token = () => sign('HS256', secret, { kid: 'k' });
  const clock = { nowMs: 0, reads: 0 };
  /** The time goes on only while a signature is judged, which takes 100 ms. */
  const now = (): number => {
    clock.reads += 1;
    clock.nowMs += clock.reads % 2 === 0 ? 100 : 0;
    return clock.nowMs;
  };
  const verifier = verifierOf({ kind: 'secret', secret: SECRET }, ['HS256'], now);
  const known = await token();
  t.equal(await outcome(verifier, known), userId);
  const ended = await new SignJWT({ sub: userId, exp: 1 })
    .setProtectedHeader({ alg: 'HS256', kid: 'k' })
    .sign(secret);
  for (let n = 0; n < 50; n += 1) {
    t.equal(await outcome(verifier, await token()), userId, 'good ones cost nothing');
    t.equal(await outcome(verifier, ended), 'UNAUTHENTICATED');
  }
  t.equal(clock.reads, 102, 'and no signature of a token that has ended is judged');
  const wrong = tampered(await token(), 2);
  for (let n = 0; n < 9; n += 1) t.equal(await outcome(verifier, wrong), 'UNAUTHENTICATED');
  clock.reads = 0;
  t.throws(() => verifier.verify(wrong), { code: 'MESSAGING_UNAVAILABLE', retryAfterS: 1 });
  clock.reads = 0;
  t.equal(await outcome(verifier, await token()), 'MESSAGING_UNAVAILABLE', 'whether good or not');
  t.equal(await outcome(verifier, known), userId, 'a token that the edge remembers');
  t.equal(await outcome(verifier, ended), 'UNAUTHENTICATED');
  clock.nowMs += 1;
  clock.reads = 0;
  t.equal(await outcome(verifier, await token()), userId, 'as soon as there is time');
});

t.test('a text that is no token at all is refused', async (t) => {
  const verifier = verifierOf({ kind: 'secret', secret: SECRET }, ['HS256']);
  const part = Buffer.from('{"alg":"HS256"}').toString('base64url');
  for (const token of [
    '',
    'a',
    'a.b',
    'a.b.c',
    '..',
    `${part}..`,
    `${part}.W10.AA`,
    `x${'y'.repeat(8_000)}`,
  ]) {
    t.equal(await outcome(verifier, token), 'UNAUTHENTICATED', token.slice(0, 40));
  }
});

t.test('claims with a bad end, begin, issuer, audience or user are refused', async (t) => {
  const now = 1_000_000_000;
  const rules = { issuer: 'kaha', audience: 'chat' };
  const good = { sub: userId, exp: now / 1_000 + 1, iss: 'kaha', aud: ['x', 'chat'] };
  const claims = { userId, issuedAt: 0, endsAt: now + 1_000 };
  t.same(readClaims(good, rules, now), claims);
  t.same(readClaims({ ...good, iat: 999_999.5 }, rules, now), { ...claims, issuedAt: 999_999_500 });
  for (const ahead of [-1_000_000, 0, 0.4, 60]) {
    const at = now / 1_000 + ahead;
    t.type(readClaims({ ...good, nbf: at, iat: at }, rules, now), 'object', `${ahead} s ahead`);
  }
  for (const changes of [
    { exp: undefined },
    { exp: '9999999999' },
    { exp: Number.POSITIVE_INFINITY },
    { exp: now / 1_000 },
    { nbf: now / 1_000 + 61 },
    { nbf: '1' },
    { nbf: null },
    { iat: now / 1_000 + 61 },
    { iat: '1' },
    { iss: undefined },
    { iss: ['kaha'] },
    { aud: undefined },
    { aud: 'other' },
    { aud: ['x'] },
    { sub: undefined },
    { sub: userId.toUpperCase() },
    { sub: 7 },
  ]) {
    t.type(readClaims({ ...good, ...changes }, rules, now), 'string', JSON.stringify(changes));
  }
});

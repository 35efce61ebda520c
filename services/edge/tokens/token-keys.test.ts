import t, { type Test } from 'tap';
import { createLogger } from '../../../shared/process/logger.ts';
import { makeSigner, type Signer, startKeyServer } from '../stage/key-server.ts';
import { TokenVerifier } from './token-verifier.ts';

const PAUSE_MS = 5_000;
const [known, fresh] = (await Promise.all([makeSigner('known'), makeSigner('fresh')])) as [
  Signer,
  Signer,
];
const logger = createLogger({ service: 't', instance: 't-1', level: 'silent', hashKey: 'k' });

async function rig(t: Test) {
  const server = await startKeyServer({ keys: [known.jwk] });
  t.teardown(() => server.close());
  const clock = { nowMs: 0 };
  const verifier = new TokenVerifier(
    {
      key: { kind: 'jwks', url: server.url },
      algorithms: ['ES256'],
      issuer: undefined,
      audience: undefined,
    },
    { logger, now: () => clock.nowMs },
  );
  /** Returns `good`, or the code of the refusal. */
  const judge = async (token: string | Promise<string>): Promise<string> => {
    try {
      await verifier.verify(await token);
      return 'good';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  return { server, clock, verifier, judge };
}

t.test('a server that fails or lies makes no token bad, and known keys go on', async (t) => {
  const { server, clock, verifier, judge } = await rig(t);
  await verifier.loadKeys();
  for (const manner of [
    { status: 500 },
    { status: 404 },
    { status: 302 },
    { text: '<html>a login page</html>' },
    { text: '{"keys":"none"}' },
    { text: `{"keys":[],"more":"${'x'.repeat(300_000)}"}` },
    { text: '{"keys":[{"kty":"RSA"}]}' },
    { keys: [] },
    { write: (response: { destroy(): void }) => response.destroy() },
  ]) {
    clock.nowMs += PAUSE_MS;
    server.manner = manner;
    const said = JSON.stringify(manner).slice(0, 60);
    t.equal(await judge(fresh.sign()), 'PROFILE_SERVICE_UNAVAILABLE', said);
    t.equal(await judge(known.sign()), 'good', said);
  }
  clock.nowMs += PAUSE_MS;
  server.manner = { keys: [known.jwk, fresh.jwk] };
  t.equal(await judge(fresh.sign()), 'good', 'it has recovered');
});

t.test('a server that hangs makes no token bad', async (t) => {
  const { server, clock, verifier, judge } = await rig(t);
  await verifier.loadKeys();
  for (const manner of [
    'hang' as const,
    { write: (response: { write(text: string): void }) => response.write('{"keys":[') },
  ]) {
    clock.nowMs += PAUSE_MS;
    server.manner = manner as never;
    t.equal(await judge(fresh.sign()), 'PROFILE_SERVICE_UNAVAILABLE');
    t.equal(await judge(known.sign()), 'good');
  }
});

t.test('a token of an unknown key is bad only after an answer that lacks it', async (t) => {
  const { server, clock, verifier, judge } = await rig(t);
  await verifier.loadKeys();
  t.equal(await judge(fresh.sign()), 'PROFILE_SERVICE_UNAVAILABLE', 'within the pause');
  t.equal(server.asked, 1, 'nobody is asked within the pause');
  try {
    await verifier.verify(await fresh.sign());
    t.fail('the token was taken');
  } catch (error) {
    t.match(error, { retryAfterS: 5 }, 'the client may come back after the pause');
  }
  clock.nowMs += PAUSE_MS;
  t.equal(await judge(fresh.sign()), 'UNAUTHENTICATED', 'the server does not know it');
  t.equal(await judge(fresh.sign()), 'PROFILE_SERVICE_UNAVAILABLE', 'the next pause');
  server.manner = { keys: [known.jwk, fresh.jwk] };
  clock.nowMs += PAUSE_MS;
  t.equal(await judge(fresh.sign()), 'good');
  t.equal(server.asked, 3);
});

t.test('tokens that come while the server is asked share its answer', async (t) => {
  const { server, judge } = await rig(t);
  const outcomes = await Promise.all([judge(known.sign()), judge(known.sign())]);
  t.same(outcomes, ['good', 'good']);
  t.equal(server.asked, 1);
});

t.test('a token that names no key is judged by all, and may have a new one', async (t) => {
  const { server, clock, verifier, judge } = await rig(t);
  const [nameless, later] = await Promise.all([makeSigner(undefined), makeSigner(undefined)]);
  server.manner = { keys: [known.jwk, nameless.jwk] };
  await verifier.loadKeys();
  t.equal(await judge(nameless.sign()), 'good');
  t.equal(await judge(later.sign()), 'PROFILE_SERVICE_UNAVAILABLE');
  clock.nowMs += PAUSE_MS;
  t.equal(await judge(later.sign()), 'UNAUTHENTICATED');
});

t.test('a stolen key goes, and the tokens that were seen before go with it', async (t) => {
  const { server, clock, verifier, judge } = await rig(t);
  server.manner = { keys: [known.jwk, fresh.jwk] };
  await verifier.loadKeys();
  const [stolen, other] = await Promise.all([known.sign(), fresh.sign()]);
  const verified = await verifier.verify(stolen);
  t.equal(await judge(other), 'good');
  server.manner = { keys: [fresh.jwk] };
  for (const atMs of [15_000, 30_000]) {
    t.equal(await judge(stolen), 'good', 'one answer is no proof');
    clock.nowMs = atMs;
    await verifier.loadKeys();
  }
  t.equal(await judge(stolen), 'UNAUTHENTICATED');
  t.equal(await judge(known.sign()), 'UNAUTHENTICATED', 'within a pause, too');
  t.ok(verified.key.isWithdrawn, 'sessions see it');
  t.equal(await judge(other), 'good');
});

t.test('an edge without keys knows that it has none', async (t) => {
  const { server, verifier } = await rig(t);
  for (const manner of ['hang' as const, { status: 503 }, { keys: [] }]) {
    server.manner = manner;
    await t.rejects(verifier.loadKeys());
    t.equal(verifier.keyCount, 0);
    t.equal(verifier.keysAgeS, Number.POSITIVE_INFINITY);
  }
  server.manner = { keys: [known.jwk] };
  await verifier.loadKeys();
  t.equal(verifier.keyCount, 1);
  t.equal(verifier.keysAgeS, 0);
});

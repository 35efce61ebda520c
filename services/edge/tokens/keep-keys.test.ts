import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { newId } from '../../../shared/ids.ts';
import { readyzOf, setStage, tokenOf } from '../stage/edge-stage.ts';
import { makeSigner, type Signer, startKeyServer } from '../stage/key-server.ts';
import { askUpgrade } from '../stage/upgrade.ts';

const TERMS = { iss: 'kaha', aud: 'chat' };
const [known, fresh] = (await Promise.all([makeSigner('known'), makeSigner('fresh')])) as [
  Signer,
  Signer,
];
const stage = await setStage();
await stage.startRouter();
t.teardown(() => stage.close());
// Each test has a key server and an edge of its own, and waits for the edge to ask again.
t.jobs = 4;

async function rig(t: Test) {
  const server = await startKeyServer({ keys: [known.jwk] });
  t.teardown(() => server.close());
  const key = { kind: 'jwks', url: server.url } as const;
  const token = { key, algorithms: ['ES256'], issuer: 'kaha', audience: 'chat' };
  return { server, token };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

t.test('an edge without keys is not ready, and tells all clients to come back', async (t) => {
  const { server, token } = await rig(t);
  server.manner = { status: 500 };
  const edge = await stage.launchEdge('edge-2', { token });
  const readyz = await fetch(readyzOf(edge));
  t.equal(readyz.status, 503);
  t.match(await readyz.text(), /no key for tokens is known/);

  const jwt = await known.sign(TERMS);
  const refused = await askUpgrade(edge.port, bearer(jwt));
  t.equal(refused.status, 503);
  t.match(JSON.parse(refused.body), { error: { code: 'PROFILE_SERVICE_UNAVAILABLE' } });
  t.match(refused.headers['retry-after'], /^[1-5]$/);
  const asked = await fetch(`http://127.0.0.1:${edge.port}/api/v1/conversations`, {
    headers: bearer(jwt),
  });
  t.equal(asked.status, 503);
  t.match(asked.headers.get('retry-after'), /^[1-5]$/);
  const bySubprotocol = await stage.connect(edge, { protocols: ['kaha.v1', `bearer.${jwt}`] });
  t.equal(await bySubprotocol.closed, 4001);
  const byFrame = await stage.connect(edge);
  byFrame.send({ type: 'auth', token: jwt });
  t.equal(await byFrame.closed, 4001);

  server.manner = { keys: [known.jwk] };
  await until('the edge has the keys', async () => (await fetch(readyzOf(edge))).ok);
  t.equal((await askUpgrade(edge.port, bearer(jwt))).status, 101);
});

t.test('a wrong algorithm, issuer or audience is refused, a known key never', async (t) => {
  const { server, token } = await rig(t);
  const edge = await stage.startEdge('edge-3', { token });
  const statusOf = async (jwt: Promise<string>): Promise<number> =>
    (await askUpgrade(edge.port, bearer(await jwt))).status;
  t.equal(await statusOf(known.sign(TERMS)), 101);
  t.equal(await statusOf(known.sign({ ...TERMS, iss: 'other' })), 401, 'issuer');
  t.equal(await statusOf(known.sign({ ...TERMS, aud: 'other' })), 401, 'audience');
  t.equal(await statusOf(tokenOf(newId())), 401, 'HS256');
  server.close();
  t.equal(await statusOf(known.sign(TERMS)), 101, 'known keys outlive the key server');
});

t.test('a renewal that cannot be judged now leaves the session as it was', async (t) => {
  const { server, token } = await rig(t);
  const edge = await stage.startEdge('edge-4', { token });
  const sub = newId<string>();
  const headers = bearer(await known.sign({ ...TERMS, sub }));
  const client = await stage.connect(edge, { headers });
  await client.next('auth_ok');
  server.manner = 'hang';
  const renewal = { type: 'auth', token: await fresh.sign({ ...TERMS, sub }) };
  t.match(await client.ask(renewal), {
    type: 'error',
    error: { code: 'PROFILE_SERVICE_UNAVAILABLE', retry_after: Number },
  });
  t.equal((await client.ask({ type: 'ping' })).type, 'pong', 'the session lives');
  const again = { type: 'auth', token: await known.sign({ ...TERMS, sub }) };
  t.match(await client.ask(again), { type: 'auth_ok' });
  server.manner = { keys: [known.jwk, fresh.jwk] };
  await until(
    'the new key is known',
    async () => (await client.ask(renewal)).type === 'auth_ok' || undefined,
  );
});

t.test('theft: the sessions and tokens of a withdrawn key end, and no others', async (t) => {
  const { server, token } = await rig(t);
  server.manner = { keys: [known.jwk, fresh.jwk] };
  const edge = await stage.startEdge('edge-5', { token });
  const stolen = await known.sign(TERMS);
  const thief = await stage.connect(edge, { headers: bearer(stolen) });
  const other = await stage.connect(edge, { headers: bearer(await fresh.sign(TERMS)) });
  await Promise.all([thief.next('auth_ok'), other.next('auth_ok')]);
  const beat = setInterval(() => [thief, other].map((one) => one.send({ type: 'ping' })), 5_000);
  t.teardown(() => clearInterval(beat));
  server.manner = { keys: [fresh.jwk] };
  t.equal(await thief.closed, 4500);
  t.equal((await askUpgrade(edge.port, bearer(stolen))).status, 401);
  t.equal((await askUpgrade(edge.port, bearer(await known.sign(TERMS)))).status, 401);
  t.equal((await other.ask({ type: 'ping' })).type, 'pong');
});

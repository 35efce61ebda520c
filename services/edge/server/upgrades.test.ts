import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import { newId } from '../../../shared/ids.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';
import { askUpgrade } from '../stage/upgrade.ts';

const stage = await setStage();
await stage.startRouter();
t.teardown(() => stage.close());

t.test('an upgrade above the admission rate is refused with a time to come back', async (t) => {
  const edge = await stage.startEdge('edge-2', { admissionRatePerS: 5 });
  const results = await Promise.all(Array.from({ length: 12 }, () => askUpgrade(edge.port)));
  const refused = results.filter(({ status }) => status === 503);
  t.ok(refused.length >= 5, `${refused.length} refused`);
  t.ok(results.some(({ status }) => status === 101));
  t.match(refused[0]?.headers['retry-after'], /^[1-9]\d*$/);
});

t.test('a page learns by a GET why an upgrade is refused, and takes no room by it', async (t) => {
  const edge = await stage.startEdge('edge-5', {
    ...{ admissionRatePerS: 1, allowedOrigins: ['https://page.example'] },
  });
  const ask = (): Promise<Response> =>
    fetch(`http://127.0.0.1:${edge.port}/ws`, { headers: { origin: 'https://page.example' } });
  for (let n = 0; n < 5; n += 1) t.equal((await ask()).status, 400, 'there is room');
  t.equal((await askUpgrade(edge.port)).status, 101, 'and nobody has taken it');
  const refused = await until('there is no room', async () => {
    await askUpgrade(edge.port);
    const answer = await ask();
    return answer.status === 503 && answer;
  });
  t.match(await refused.json(), { error: { code: 'MESSAGING_UNAVAILABLE' } });
  t.match(refused.headers.get('retry-after'), /^[1-9]\d*$/);
  t.equal(refused.headers.get('access-control-expose-headers'), 'Retry-After');
});

t.test('while NATS is away an upgrade is refused and a live socket stays', async (t) => {
  const edge = await stage.startEdge('edge-3');
  const userId = newId<never>();
  const client = await stage.open(edge, userId);
  await stage.nats.kill();
  t.equal((await client.ask({ type: 'ping' })).type, 'pong');
  const watch = startStopwatch();
  const answer = await client.ask({ type: 'conversations' });
  t.match(answer, { error: { code: 'MESSAGING_UNAVAILABLE', retry_after: Number } });
  t.ok(watch.stop() < 2_000, 'it does not wait for 4 s');
  const refused = await askUpgrade(edge.port, { authorization: `Bearer ${await tokenOf(userId)}` });
  t.equal(refused.status, 503);
  t.ok(Number(refused.headers['retry-after']) >= 1);
  await stage.nats.restart();
  await client.close();
});

t.test('with keys of a JWKS, a wrong algorithm, issuer or audience is refused', async (t) => {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] });
  let isAway = true;
  const server = createServer((_, response) => {
    response.statusCode = isAway ? 500 : 200;
    response.end(isAway ? 'away' : jwks);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  const key = { kind: 'jwks', url } as const;
  const token = { key, algorithms: ['RS256'], issuer: 'kaha', audience: 'chat' };
  const edge = await stage.startEdge('edge-4', { token });
  const sign = (changes: { iss?: string; aud?: string; kid?: string } = {}) =>
    new SignJWT({ sub: newId<string>(), iss: changes.iss ?? 'kaha', aud: changes.aud ?? 'chat' })
      .setProtectedHeader({ alg: 'RS256', kid: changes.kid ?? 'k1' })
      .setExpirationTime('5m')
      .sign(privateKey);
  const statusOf = async (jwt: string): Promise<number> =>
    (await askUpgrade(edge.port, { authorization: `Bearer ${jwt}` })).status;

  t.equal(await statusOf(await sign()), 503, 'keys cannot be had');
  const client = await stage.connect(edge, { protocols: ['kaha.v1', `bearer.${await sign()}`] });
  t.equal(await client.closed, 4001);
  isAway = false;
  t.equal(await statusOf(await sign()), 101, 'keys are back');
  t.equal(await statusOf(await sign({ iss: 'other' })), 401, 'issuer');
  t.equal(await statusOf(await sign({ aud: 'other' })), 401, 'audience');
  t.equal(await statusOf(await tokenOf(newId())), 401, 'HS256');
  isAway = true;
  t.equal(await statusOf(await sign()), 101, 'known keys outlive the key server');
});

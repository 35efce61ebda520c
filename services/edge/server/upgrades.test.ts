import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import { newId } from '../../../shared/ids.ts';
import { metricsOf, readyzOf, setStage, tokenOf } from '../stage/edge-stage.ts';
import { connectRaw } from '../stage/raw-client.ts';
import { askUpgrade } from '../stage/upgrade.ts';

const stage = await setStage();
await stage.startRouter();
t.teardown(() => stage.close());

/** Returns the header with which a user proves who it is. */
async function bearerOf(userId: string, changes = {}): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await tokenOf(userId, changes)}` };
}

t.test('an upgrade above the admission rate is refused with a time to come back', async (t) => {
  const edge = await stage.startEdge('edge-2', { admissionRatePerS: 5 });
  const headers = await bearerOf(newId());
  const asked = Array.from({ length: 12 }, () => askUpgrade(edge.port, headers));
  const results = await Promise.all(asked);
  const refused = results.filter(({ status }) => status === 503);
  t.ok(refused.length >= 5, `${refused.length} refused`);
  t.ok(results.filter(({ status }) => status === 101).length >= 5);
  t.match(refused[0]?.headers['retry-after'], /^[1-9]\d*$/);
});

t.test('who brings no good token takes no room of those who bring one', async (t) => {
  const edge = await stage.startEdge('edge-4', { admissionRatePerS: 8 });
  const known = await bearerOf(newId());
  t.equal((await askUpgrade(edge.port, known)).status, 101);
  const flood = async (headers: Record<string, string>[]): Promise<number[]> => {
    const answers = headers.map((one) => askUpgrade(edge.port, one));
    return (await Promise.all(answers)).map(({ status }) => status);
  };
  const without = await flood(Array.from({ length: 40 }, () => ({})));
  t.ok(without.filter((status) => status === 503).length > 30, 'without a token');
  const ended = Array.from({ length: 40 }, async () => ({
    'sec-websocket-protocol': `kaha.v1, bearer.${await tokenOf(newId(), { exp: 1 })}`,
  }));
  const withBad = await flood(await Promise.all(ended));
  t.ok(withBad.includes(101), 'and is closed 4500');
  t.ok(withBad.filter((status) => status === 503).length > 20, 'with bad tokens');
  t.equal((await askUpgrade(edge.port, await bearerOf(newId(), { exp: 1 }))).status, 401);
  t.equal((await askUpgrade(edge.port, known)).status, 101, 'a token that the edge remembers');
  const metrics = await (await fetch(metricsOf(edge))).text();
  for (const reason of ['rate_without_token', 'rate_unknown_tokens', 'bad_token']) {
    t.match(metrics, new RegExp(`kaha_edge_refused_total\\{reason="${reason}".*\\} [1-9]`));
  }
  t.notMatch(metrics, 'reason="rate",');
});

t.test('another version than 13 is refused, and the refusal names 13', async (t) => {
  const edge = await stage.startEdge('edge-7');
  for (const version of ['12', '', '13, 8', 'thirteen']) {
    const headers = { ...(await bearerOf(newId())), 'sec-websocket-version': version };
    const refused = await askUpgrade(edge.port, headers);
    t.equal(refused.status, 400, version);
    t.equal(refused.headers['sec-websocket-version'], '13', version);
    t.match(JSON.parse(refused.body), { error: { code: 'INVALID_REQUEST' } }, version);
  }
});

t.test('good tokens that the edge never saw are let in amid a flood of bad ones', async (t) => {
  const edge = await stage.startEdge('edge-8', { admissionRatePerS: 20 });
  const bad = async (n: number): Promise<{ authorization: string }> => {
    if (n % 2 === 0) return bearerOf(newId(), { exp: 1 });
    const { authorization } = await bearerOf(newId());
    return { authorization: `${authorization.slice(0, -4)}AAAA` };
  };
  const asked = Array.from({ length: 200 }, async (_, n) => {
    const isGood = n % 20 === 19;
    const { status } = await askUpgrade(edge.port, await (isGood ? bearerOf(newId()) : bad(n)));
    return { isGood, status };
  });
  const answers = await Promise.all(asked);
  const good = answers.filter(({ isGood }) => isGood).map(({ status }) => status);
  t.same(good, Array(10).fill(101));
  const others = answers.filter(({ isGood }) => !isGood).map(({ status }) => status);
  t.same(new Set(others), new Set([401]), 'and the bad ones are told so');
});

t.test('a full edge refuses upgrades, serves REST, and is not ready', async (t) => {
  const edge = await stage.startEdge('edge-6', { connections: { max: 40, closingMax: Infinity } });
  const ask = async () => askUpgrade(edge.port, await bearerOf(newId()));
  const held = Array.from({ length: 40 }, async () =>
    connectRaw(edge.port, await bearerOf(newId())),
  );
  const clients = await Promise.all(held);
  const refused = await ask();
  t.equal(refused.status, 503);
  t.match(refused.headers, { 'retry-after': /^[12]$/, connection: 'close' });
  t.match(JSON.parse(refused.body), { error: { code: 'MESSAGING_UNAVAILABLE' } });
  const rest = await fetch(`http://127.0.0.1:${edge.port}/openapi.json`);
  t.equal(rest.status, 200);
  await rest.text();
  t.equal(rest.headers.get('connection'), 'close', 'but the connection ends with its answer');
  const readiness = async (): Promise<string> => (await fetch(readyzOf(edge))).text();
  t.equal(await readiness(), 'all 40 connections are taken\n');
  const metrics = await (await fetch(metricsOf(edge))).text();
  t.match(metrics, /kaha_edge_connections_max\{.*\} 40\n/);
  t.match(metrics, /kaha_edge_connections\{.*\} 40\n/);
  t.match(metrics, /kaha_edge_refused_total\{reason="connections".*\} 1\n/);

  clients[0]?.socket.destroy();
  await until('an upgrade is admitted', async () => (await ask()).status === 101);
  t.match(await readiness(), 'are taken', 'one place is not enough for readiness');
  for (const client of clients.slice(0, 4)) client.socket.destroy();
  await until('the edge is ready', async () => (await readiness()) === 'ok\n');
  t.equal(clients[10]?.socket.readyState, 'open', 'and the others have stayed');
});

t.test('a page learns by a GET why an upgrade is refused, and takes no room by it', async (t) => {
  const edge = await stage.startEdge('edge-5', {
    ...{ admissionRatePerS: 1, allowedOrigins: ['https://page.example'] },
  });
  const headers = await bearerOf(newId());
  const ask = (): Promise<Response> =>
    fetch(`http://127.0.0.1:${edge.port}/ws`, { headers: { origin: 'https://page.example' } });
  for (let n = 0; n < 5; n += 1) t.equal((await ask()).status, 400, 'there is room');
  const asked = await askUpgrade(edge.port, { ...headers, origin: 'https://page.example' });
  t.equal(asked.status, 101, 'and nobody has taken it');
  const refused = await until('there is no room', async () => {
    await askUpgrade(edge.port, headers);
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
  const refused = await askUpgrade(edge.port, await bearerOf(userId));
  t.equal(refused.status, 503);
  t.ok(Number(refused.headers['retry-after']) >= 1);
  await stage.nats.restart();
  await client.close();
});

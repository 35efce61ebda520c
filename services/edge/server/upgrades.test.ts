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

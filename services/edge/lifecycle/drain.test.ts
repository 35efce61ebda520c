import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Edge } from '../edge.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';

const stage = await setStage();
await stage.startRouter();
t.teardown(() => stage.close());

t.test('a drain sends all clients away, and none of their events is lost', async (t) => {
  const edge = await stage.startEdge('edge-1', { drainMs: 700, drainReconnectMs: 300 });
  const other = await stage.startEdge('edge-2');
  const [leaving, staying] = [newId<UserId>(), newId<UserId>()];
  const first = await stage.open(edge, leaving);
  const second = await stage.open(edge, staying);
  await stage.enqueue(leaving, { n: 1 });
  await stage.enqueue(staying, { n: 1 });
  await Promise.all([first.next('message'), second.next('message')]);
  const startedAt = Date.now();
  const watch = startStopwatch();
  const closing = edge.close();
  const told = await first.next('going_away');
  const after = told.reconnect_after_ms as number;
  t.ok(Number.isInteger(after) && after >= 0 && after <= 300);
  const ready = await fetch(`http://127.0.0.1:${edge.adminPort}/readyz`);
  t.match([ready.status, await ready.text()], [503, /draining/]);
  t.equal((await second.ask({ type: 'ping' })).type, 'pong', 'requests are still served');
  await t.rejects(fetch(`http://127.0.0.1:${edge.port}/`), 'nobody new is let in');
  await first.close();
  t.equal(await second.closed, 4000);
  t.ok(Date.now() - startedAt >= 700);
  await closing;
  for (const userId of [leaving, staying]) {
    const again = await stage.open(other, userId);
    t.match(await again.next('message'), { q: 1, n: 1 });
    await again.close();
  }
  t.ok(watch.stop() < 4_000, 'without waiting for ack_wait');
});

t.test('an edge without sockets closes at once', async (t) => {
  const edge = await stage.startEdge('edge-3', { drainMs: 60_000 });
  const watch = startStopwatch();
  await edge.close();
  t.ok(watch.stop() < 1_000, 'it does not wait for its drain of 60 s');
});

/** Calls an edge, and resolves once a store is asked, which answers when the test says so. */
async function callSlowly(edge: Edge) {
  const store = await stage.busOf('store-1');
  let answer: (reply: object) => void = () => undefined;
  const reply = new Promise<object>((resolve) => {
    answer = resolve;
  });
  const asked = new Promise<void>((resolve) => {
    const options = { subject: subjects.store('conversations.list'), concurrencyMax: 9 };
    store.serve(options, () => {
      resolve();
      return reply;
    });
  });
  await store.nc.flush();
  const authorization = `Bearer ${await tokenOf(newId<UserId>())}`;
  const url = `http://127.0.0.1:${edge.port}/api/v1/conversations`;
  const called = fetch(url, { headers: { authorization } });
  await asked;
  return { called, answer, store };
}

t.test(
  'a call in flight is answered where no socket is open, and ends its connection',
  async (t) => {
    const edge = await stage.startEdge('edge-5', { drainMs: 60_000 });
    const { called, answer, store } = await callSlowly(edge);
    const closing = edge.close();
    await t.rejects(fetch(`http://127.0.0.1:${edge.port}/`), 'nobody new is let in');
    answer({ records: [], next_cursor: null });
    const { status, headers } = await called;
    t.match([status, headers.get('connection')], [200, 'close']);
    await closing;
    await store.close();
  },
);

t.test('a call that is not answered holds a drain for its time alone', async (t) => {
  const edge = await stage.startEdge('edge-6', { drainMs: 300 });
  const { called, store } = await callSlowly(edge);
  const startedAt = performance.now();
  const watch = startStopwatch();
  await Promise.all([t.rejects(called), edge.close()]);
  t.ok(performance.now() - startedAt >= 300);
  t.ok(watch.stop() < 3_000);
  await store.close();
});

t.test('an edge is ready once it knows a router, and shows its metrics', async (t) => {
  const edge = await stage.startEdge('edge-4');
  t.ok((await fetch(`http://127.0.0.1:${edge.adminPort}/readyz`)).ok);
  await (await stage.open(edge, newId<UserId>())).close();
  const text = await (await fetch(`http://127.0.0.1:${edge.adminPort}/metrics`)).text();
  t.match(text, /kaha_edge_closes_total\{code="client",.*\} 1/);
  t.match(text, /kaha_edge_frames_out_total\{type="auth_ok",.*\} 1/);
  t.match(text, /kaha_edge_sockets\{.*\} 0/);
});

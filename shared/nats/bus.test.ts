import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { startNats } from '../../dev/testing/test-servers.ts';
import { until } from '../../dev/testing/until.ts';
import { KahaError } from '../errors.ts';
import { steadyMs } from '../process/clock.ts';
import { createLogger } from '../process/logger.ts';
import { createMetrics } from '../process/metrics.ts';
import { type Bus, connectBus } from './bus.ts';

const silent = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const nats = await startNats();
const open: Bus[] = [];

type Extra = { logger?: typeof silent; writeGapMs?: () => number };

async function busOf(instance: string, natsUser: string, extra: Extra = {}): Promise<Bus> {
  const nkeySeed = nats.seeds[natsUser] as string;
  const metrics = createMetrics('test', instance);
  const parts = { url: nats.url, nkeySeed, instance, logger: silent, metrics, ...extra };
  const bus = await connectBus(parts);
  open.push(bus);
  return bus;
}

t.teardown(async () => {
  await Promise.all(open.map((bus) => bus.close()));
  await nats.stop();
});

const edge = await busOf('edge-1', 'edge-1');
const router = await busOf('router-1', 'router');

function failure(promise: Promise<unknown>): Promise<KahaError> {
  return promise.then(
    () => t.fail('it should fail') as never,
    (error) => error as KahaError,
  );
}

t.test('a request carries its deadline and trace, and resolves with the answer', async (t) => {
  const server = router.serve({ subject: 'rpc.router.a', concurrencyMax: 1 }, (body, context) => ({
    body,
    trace: context.trace,
    left: context.deadlineAt - steadyMs(),
  }));
  await router.nc.flush();
  const trace = '00-11111111111111111111111111111111-2222222222222222-00';
  const options = { timeoutMs: 1_000, trace };
  const reply = await edge.request<{ body: unknown; trace: string; left: number }>(
    'rpc.router.a',
    { x: 'ä' },
    options,
  );
  t.same(reply.body, { x: 'ä' });
  t.equal(reply.trace, trace);
  t.ok(reply.left > 0 && reply.left <= 1_000);
  await server.drain();
});

t.test('requests of one moment share a message, and no request waits for another', async (t) => {
  let messages = 0;
  let endWait = (): void => undefined;
  const othersSettled = new Promise<void>((resolve) => {
    endWait = resolve;
  });
  const count = router.subscribe('rpc.router.many', () => {
    messages += 1;
  });
  const server = router.serve({ subject: 'rpc.router.many', concurrencyMax: 9 }, async (body) => {
    if (body === 'bad') throw new KahaError('CONFLICT', 'bad');
    if (body === 'slow') await othersSettled;
    return { body };
  });
  await router.nc.flush();
  const ask = (body: unknown, trace?: string) =>
    edge.request('rpc.router.many', body, { timeoutMs: 5_000, trace });
  const settled: unknown[] = [];
  const asked = ['slow', 'bad', 'ä"]', 'last'].map(async (body) => {
    settled.push(await ask(body, '"],[').catch((error) => error.code));
    if (settled.length === 3) endWait();
  });
  await Promise.all(asked);
  t.equal(messages, 1);
  t.same(settled, ['CONFLICT', { body: 'ä"]' }, { body: 'last' }, { body: 'slow' }]);
  t.same(await ask(undefined), { body: null });
  t.equal(messages, 2);
  count.unsubscribe();
  await server.drain();
});

t.test('a request that is too large to share a message goes alone, and fails alone', async (t) => {
  const server = router.serve({ subject: 'rpc.router.large', concurrencyMax: 9 }, (body) => ({
    chars: String(body).length,
    ...(body === 'b' && { text: 'x'.repeat(1_000_000) }),
    ...(body === 'much' && { text: 'x'.repeat(2 ** 20) }),
  }));
  await router.nc.flush();
  const ask = (body: unknown) => edge.request('rpc.router.large', body, { timeoutMs: 5_000 });
  const asked = ['a', '€'.repeat(300_000), 'b', 'c'.repeat(2 ** 21), 'much', 'd'].map(ask);
  const outcomes = (await Promise.allSettled(asked)).map((one) =>
    one.status === 'fulfilled' ? (one.value as { chars: number }).chars : one.reason.code,
  );
  t.same(outcomes, [1, 300_000, 1, 'MESSAGING_UNAVAILABLE', 'INTERNAL', 1]);
  await server.drain();
});

t.test('a payload that is no request or no answer stops neither server nor client', async (t) => {
  let served = 0;
  const server = router.serve({ subject: 'rpc.router.odd', concurrencyMax: 9 }, () => {
    served += 1;
    return { ok: 1 };
  });
  await router.nc.flush();
  const odd = [
    '',
    '{',
    '{}',
    '[1]',
    '[null]',
    '"x"',
    '[[]]',
    '[[1,null]]',
    '[[0,{"error":null}]]',
    '[[1,0,"t",1],[]]',
  ];
  edge.publish('rpc.router.odd', '[[1,9000,"nobody waits",1]]');
  const reply = 'replies.edge.edge-1.none.0-1';
  for (const payload of odd) edge.nc.publish('rpc.router.odd', payload, { reply });
  const asked: string[] = [];
  const asking = router.subscribe('rpc.router.deaf', ({ reply }) => void asked.push(`${reply}`));
  await router.nc.flush();
  const deaf = failure(edge.request('rpc.router.deaf', {}, { timeoutMs: 300 }));
  await until('the router is asked', () => asked.length > 0);
  const client = asked[0]?.slice(0, asked[0].lastIndexOf('.'));
  for (const payload of odd) router.publish(`${client}.router`, payload);
  t.equal((await deaf).code, 'TIMEOUT');
  t.same(await edge.request('rpc.router.odd', {}, { timeoutMs: 5_000 }), { ok: 1 });
  t.equal(served, 1);
  asking.unsubscribe();
  await server.drain();
});

t.test('a request that waited while NATS was frozen is not carried out', async (t) => {
  const served: unknown[] = [];
  const server = router.serve({ subject: 'rpc.router.late', concurrencyMax: 9 }, (body) => {
    served.push(body);
  });
  await router.nc.flush();
  process.kill(nats.pid, 'SIGSTOP');
  t.teardown(() => process.kill(nats.pid, 'SIGCONT'));
  await until('NATS stands', () => {
    const answered = edge.nc.flush().then(() => false);
    return Promise.race([answered, delay(100, true)]);
  });
  const late = await failure(edge.request('rpc.router.late', 'late', { timeoutMs: 400 }));
  t.equal(late.code, 'TIMEOUT');
  const waits = edge.request('rpc.router.late', 'waits', { timeoutMs: 10_000 });
  const stoppedAt = steadyMs();
  await until('the freeze was longer than is ordinary', () => steadyMs() - stoppedAt > 1_000);
  process.kill(nats.pid, 'SIGCONT');
  await waits;
  t.same(served, ['waits']);
  await until('what comes now has not waited', async () => {
    const asked = edge.request('rpc.router.late', 'now', { timeoutMs: 400 });
    return asked.then(
      () => true,
      () => false,
    );
  });
  await server.drain();
});

t.test('a client believes only the service that it asked', async (t) => {
  const store = await busOf('store-1', 'store');
  const asked: string[] = [];
  const asking = router.subscribe('rpc.router.slow', ({ reply }) => void asked.push(`${reply}`));
  await router.nc.flush();
  const answer = edge.request('rpc.router.slow', {}, { timeoutMs: 5_000 });
  await until('the router is asked', () => asked.length > 0);
  const [, client = '', token] = asked[0]?.match(/^(.*)\.(\d+)-1$/) ?? [];
  store.publish(`${client}.store`, `[[${token},{"data":"store"}]]`);
  await store.nc.flush();
  router.publish(`${client}.router`, `[[${token},{"data":"router"}]]`);
  t.equal(await answer, 'router');
  asking.unsubscribe();
});

t.test(
  'a typed error arrives as it was thrown, and any other error arrives without its text',
  async (t) => {
    const server = router.serve({ subject: 'rpc.router.b', concurrencyMax: 9 }, (body) => {
      if (body === 1)
        throw new KahaError('CONFLICT', 'full', { details: { max: 8 }, retryAfterS: 3 });
      throw new Error('password=1');
    });
    await router.nc.flush();
    const typed = await failure(edge.request('rpc.router.b', 1, { timeoutMs: 1_000 }));
    t.match(typed, { code: 'CONFLICT', details: { max: 8 }, retryAfterS: 3 });
    const other = await failure(edge.request('rpc.router.b', 2, { timeoutMs: 1_000 }));
    t.match(other, { code: 'INTERNAL', message: 'Internal error' });
    await server.drain();
  },
);

t.test(
  'the caller hears at once that nobody listens, and this differs from no answer in time',
  async (t) => {
    const nobody = [1, 2].map((body) =>
      failure(edge.request('rpc.router.none', body, { timeoutMs: 9_000 })),
    );
    for (const error of await Promise.all(nobody)) {
      t.match(error, { code: 'MESSAGING_UNAVAILABLE', noResponders: true });
    }
    const stores = failure(router.request('rpc.store.messages.append', {}, { timeoutMs: 9_000 }));
    t.match(await stores, { code: 'DATABASE_UNAVAILABLE', noResponders: true });
    let answer: ((reply: unknown) => void) | undefined;
    const server = router.serve(
      { subject: 'rpc.router.slow', concurrencyMax: 9 },
      () => new Promise((resolve) => (answer = resolve)),
    );
    await router.nc.flush();
    const late = await failure(edge.request('rpc.router.slow', {}, { timeoutMs: 100 }));
    t.match(late, { code: 'TIMEOUT', noResponders: false });
    answer?.({});
    await server.drain();
  },
);

t.test('a server does not handle a request that comes too late or over the limit', async (t) => {
  let calls = 0;
  let release = (): void => {};
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = router.serve({ subject: 'rpc.router.full', concurrencyMax: 1 }, async () => {
    calls += 1;
    await blocked;
  });
  await router.nc.flush();
  const first = edge.request('rpc.router.full', {}, { timeoutMs: 5_000 });
  const second = await failure(edge.request('rpc.router.full', {}, { timeoutMs: 5_000 }));
  t.match(second, { code: 'MESSAGING_UNAVAILABLE', message: 'Overloaded' });
  release();
  await first;
  const late = await failure(edge.request('rpc.router.full', {}, { timeoutMs: -1 }));
  t.equal(late.code, 'TIMEOUT');
  await server.drain();
  t.equal(calls, 1);
});

t.test(
  'a publish that may wait goes after the gap, with the next write, or at the close',
  async (t) => {
    const gathering = await busOf('edge-2', 'edge-2', { writeGapMs: () => 200 });
    const heard: string[] = [];
    const listening = edge.subscribe('user.gap', (msg) => void heard.push(msg.string()));
    await edge.nc.flush();
    const hears = (count: number) => until(`${count} are heard`, () => heard.length >= count);
    const say = (text: string): unknown => gathering.publish('user.gap', text);
    const sayLater = (text: string): void => gathering.beforeWrite(() => void say(text));
    const saidAt = performance.now();
    say('first');
    await hears(1);
    sayLater('waits');
    await hears(2);
    t.ok(performance.now() - saidAt > 190, 'the publish waited for the gap');
    sayLater('taken along');
    say('at once');
    await hears(4);
    t.same(
      heard.slice(2),
      ['at once', 'taken along'],
      'the waiting publish goes in the same write',
    );
    sayLater('at the end');
    await gathering.close();
    await hears(5);
    listening.unsubscribe();
  },
);

t.test('publishes keep their order while the gap grows and shrinks', async (t) => {
  let gapMs = 0;
  const gathering = await busOf('edge-2', 'edge-2', { writeGapMs: () => gapMs });
  const heard: number[] = [];
  const listening = edge.subscribe('user.gap', (msg) => void heard.push(Number(msg.string())));
  await edge.nc.flush();
  const gapsMs = [0, 0, 20, 0, 5, 20, 1, 0];
  for (const [index, ms] of gapsMs.entries()) {
    gapMs = ms;
    gathering.beforeWrite(() => void gathering.publish('user.gap', `${index}`));
    // Every second one waits alone; the one after it finds the timer of that one.
    if (index % 2 === 0) await until('it is heard', () => heard.length > index);
  }
  await until('all are heard', () => heard.length === gapsMs.length);
  t.same(heard, [...gapsMs.keys()]);
  listening.unsubscribe();
  await gathering.close();
});

t.test('without a gap, what may wait goes at the end of the turn', async (t) => {
  const gathering = await busOf('edge-2', 'edge-2', { writeGapMs: () => 0 });
  const filled: string[] = [];
  gathering.publish('user.gap', 'just written');
  gathering.beforeWrite(() => void filled.push('first'));
  await new Promise((resolve) => setImmediate(resolve));
  gathering.beforeWrite(() => void filled.push('second'));
  gathering.beforeWrite(() => void filled.push('third'));
  t.same(filled, ['first']);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(filled, ['first', 'second', 'third'], 'no timer was waited for');
  await gathering.close();
});

t.test('a publish to a stream that does not exist is refused', async (t) => {
  const options = { msgId: 'a', timeoutMs: 1_000 };
  const error = await failure(router.jetPublish('queue.0.x.y', new Uint8Array(1), options));
  t.equal(error.code, 'MESSAGING_UNAVAILABLE');
});

t.test('a reply that came while this process was stopped is not late', async (t) => {
  const options = { msgId: 'b', timeoutMs: 150 };
  const refusal = failure(router.jetPublish('queue.0.x.y', new Uint8Array(1), options));
  // The publish is written at the end of this turn, and nothing is read before the process stops.
  await new Promise((resolve) => setImmediate(resolve));
  const goesOnAt = steadyMs() + 400;
  while (steadyMs() < goesOnAt);
  t.equal((await refusal).code, 'MESSAGING_UNAVAILABLE', 'NATS had answered');
});

t.test('a lost connection rejects all requests at once, then heals by any clock', async (t) => {
  const wallMs = Date.now;
  t.teardown(() => {
    Date.now = wallMs;
  });
  const server = router.serve(
    { subject: 'rpc.router.hang', concurrencyMax: 9 },
    () => new Promise(() => {}),
  );
  await router.nc.flush();
  const gathering = await busOf('edge-2', 'edge-2', { writeGapMs: () => 60_000 });
  // No write came before the first request, so it goes at once.
  await failure(gathering.request('rpc.router.none', {}, { timeoutMs: 30_000 }));
  const unsent = failure(gathering.request('rpc.router.hang', {}, { timeoutMs: 30_000 }));
  const waiting = failure(edge.request('rpc.router.hang', {}, { timeoutMs: 30_000 }));
  await until('the router has the request', () => server.inFlight() === 1);
  const back = new Promise<void>((resolve) => edge.onReconnect(resolve));
  const routerBack = new Promise<void>((resolve) => router.onReconnect(resolve));
  Date.now = () => wallMs() - 3_600_000;
  await nats.kill();
  t.equal((await waiting).code, 'MESSAGING_UNAVAILABLE');
  t.equal((await unsent).code, 'MESSAGING_UNAVAILABLE');
  t.equal(server.inFlight(), 1);
  const next = await failure(edge.request('rpc.router.hang', {}, { timeoutMs: 30_000 }));
  t.equal(next.code, 'MESSAGING_UNAVAILABLE');
  t.equal(edge.publish('user.x', 'x'), false);
  await nats.restart();
  await Promise.all([back, routerBack]);
  router.serve({ subject: 'rpc.router.again', concurrencyMax: 1 }, () => ({ ok: true }));
  await router.nc.flush();
  t.same(await edge.request('rpc.router.again', {}, { timeoutMs: 2_000 }), { ok: true });
  t.ok(server.inFlight() > 0);
});

t.test(
  'a bus that waits for NATS at the start says so, and connects once NATS is there',
  async (t) => {
    await nats.kill();
    const lines = new PassThrough();
    const logger = createLogger(
      { service: 't', instance: 't', level: 'warn', hashKey: 'k' },
      lines,
    );
    const connecting = busOf('store-1', 'store', { logger });
    const [line] = await once(lines, 'data');
    t.match(`${line}`, /waiting for the first connection to NATS/);
    await nats.restart();
    const store = await connecting;
    t.ok(store.connected);
    await store.nc.flush();
    t.notMatch(
      `${lines.read()}`,
      /"level":50/,
      'the bus does nothing that its NATS user may not do',
    );
  },
);

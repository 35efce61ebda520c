import t from 'tap';
import { startNats } from '../../dev/testing/test-servers.ts';
import { until } from '../../dev/testing/until.ts';
import type { KahaError } from '../errors.ts';
import { createLogger } from '../process/logger.ts';
import { createMetrics } from '../process/metrics.ts';
import { type Bus, connectBus } from './bus.ts';

/** These tests fill what a bus holds, in bytes, with the largest messages. */
const silent = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const nats = await startNats();
const open: Bus[] = [];

async function busOf(instance: string, natsUser: string): Promise<Bus> {
  const nkeySeed = nats.seeds[natsUser] as string;
  const metrics = createMetrics('test', instance);
  const bus = await connectBus({ url: nats.url, nkeySeed, instance, logger: silent, metrics });
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

/** The largest message has 8000 code points of two code units each, and 4 KiB of metadata. */
const LARGEST = { content: '😀'.repeat(8_000), metadata: 'x'.repeat(4_080) };
const LARGEST_BYTES = 2 * JSON.stringify(LARGEST).length;
const MIB = 1024 ** 2;

t.test('requests beyond 64 MiB are refused, by who asks and by who serves', async (t) => {
  let release = (): void => {};
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const served: number[] = [];
  const server = router.serve({ subject: 'rpc.router.much', concurrencyMax: 9_999 }, async () => {
    served.push(1);
    await blocked;
    return { ok: true };
  });
  const other = await busOf('edge-2', 'edge-2');
  await router.nc.flush();
  const ask = (bus: Bus, body: unknown) =>
    bus.request('rpc.router.much', body, { timeoutMs: 20_000 });
  const fitting = Math.floor((64 * MIB) / LARGEST_BYTES);
  const asked = Array.from({ length: fitting }, () => ask(edge, LARGEST));
  const unsent = await failure(ask(edge, LARGEST));
  t.match(unsent, { code: 'MESSAGING_UNAVAILABLE', message: /Not sent/ });
  await until('all are served', () => served.length === fitting, 10_000);
  const refused = await failure(ask(other, LARGEST));
  t.match(refused, { code: 'MESSAGING_UNAVAILABLE', message: 'Overloaded' });
  const small = [ask(edge, 'small'), ask(other, 'small')];
  await until('small requests have room', () => served.length === fitting + 2);
  release();
  t.equal((await Promise.all([...asked, ...small])).length, fitting + 2, 'all others are answered');
  t.same(await ask(other, LARGEST), { ok: true }, 'there is room again');
  await server.drain();
});

t.test('a request of a caller that tells no size counts by the size of its message', async (t) => {
  let release = (): void => {};
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = router.serve({ subject: 'rpc.router.old', concurrencyMax: 9_999 }, () => blocked);
  const refused: string[] = [];
  const client = edge.subscribe('replies.edge.edge-1.old.router', (msg) => {
    refused.push(msg.string());
  });
  await Promise.all([edge.nc.flush(), router.nc.flush()]);
  const reply = 'replies.edge.edge-1.old.0-1';
  const payload = JSON.stringify([[7, 9_000, 't', 'x'.repeat(1_000_000)]]);
  for (let n = 0; n < 34; n += 1) edge.nc.publish('rpc.router.old', payload, { reply });
  await until('one is refused', () => refused.length > 0);
  t.match(refused[0], 'MESSAGING_UNAVAILABLE');
  t.equal(server.inFlight(), 33, '33 are at work');
  release();
  client.unsubscribe();
  await server.drain();
});

const LARGE = 1_000_000;

t.test('while NATS takes nothing, what is published beyond 64 MiB is refused', async (t) => {
  const answering = await busOf('router-2', 'router');
  let answer = (): void => {};
  const ready = new Promise<{ text: string }>((resolve) => {
    answer = () => resolve({ text: 'x'.repeat(LARGE) });
  });
  const server = answering.serve({ subject: 'rpc.router.slow', concurrencyMax: 9 }, () => ready);
  await answering.nc.flush();
  const asked = failure(edge.request('rpc.router.slow', {}, { timeoutMs: 20_000 }));
  await until('the router is asked', () => server.inFlight() === 1);
  process.kill(nats.pid, 'SIGSTOP');
  const payload = new Uint8Array(MIB / 2);
  const publishAll = async (bus: Bus): Promise<number> => {
    let count = 0;
    // The kernel takes some more, now and then, until its buffers are full.
    for (let refused = 0; refused < 10; ) {
      if (bus.publish('user.x', payload)) count += 1;
      else refused += 1;
      await new Promise((resolve) => setTimeout(resolve, refused > 0 ? 10 : 0));
    }
    return count;
  };
  // The system takes some megabytes besides.
  for (const count of [await publishAll(edge), await publishAll(answering)]) {
    t.ok(count >= 120 && count < 200, `${count} halves of a megabyte have room`);
  }
  const options = { msgId: 'a', timeoutMs: 20_000 };
  const stored = await failure(edge.jetPublish('queue.0.x.y', new Uint8Array(LARGE), options));
  t.match(stored, { code: 'MESSAGING_UNAVAILABLE', message: /Not sent/ });
  const text = 'x'.repeat(LARGE);
  const large = failure(edge.request('rpc.router.slow', { text }, { timeoutMs: 20_000 }));
  t.match(await large, { code: 'MESSAGING_UNAVAILABLE', message: 'Cannot publish' });
  t.ok(edge.publish('user.x', 'a live event'), 'what is small has room');
  answer();
  await until('the router has answered', () => server.inFlight() === 0);
  process.kill(nats.pid, 'SIGCONT');
  t.match(await asked, { code: 'MESSAGING_UNAVAILABLE', message: 'The answer has no room' });
  await edge.nc.flush();
  t.ok(edge.publish('user.x', payload), 'there is room again');
  await server.drain();
});

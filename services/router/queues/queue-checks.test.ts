import t from 'tap';
import { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { type Device, KnownQueues } from './known-queues.ts';
import type { QueueApi } from './queue-api.ts';
import { QueueChecks } from './queue-checks.ts';

const IN_3_S = (): number => steadyMs() + 3_000;

/** Sets up a router of one shard. `look` plays JetStream, and returns whether the queue exists. */
function rig(look: (device: Device) => boolean | Promise<boolean>) {
  const known = new KnownQueues(1);
  const looks: Device[] = [];
  const held: Device[] = [];
  const state = { isCurrent: true };
  const info = async (device: Device) => {
    looks.push(device);
    return (await look(device)) ? {} : undefined;
  };
  const checks = new QueueChecks({
    known,
    isCurrent: () => state.isCurrent,
    api: { info } as unknown as QueueApi,
    tellHeld: (one) => void held.push(one),
    metrics: createRouterMetrics(createMetrics('test', 'router-1')),
  });
  const check = (devices: readonly Device[], deadlineAt = IN_3_S()) => {
    const names = devices.map(({ userId, deviceId }): [UserId, string] => [userId, deviceId]);
    return checks.check({ devices: names }, deadlineAt);
  };
  return { known, looks, held, state, check };
}

const device = (): Device => ({ userId: newId<UserId>(), deviceId: 'a' });

t.test('a queue is unknown if neither the router nor JetStream has it', async (t) => {
  const [there, made, gone, expected] = [device(), device(), device(), device()];
  const { known, looks, check } = rig((one) => one.userId === there.userId);
  known.add(made);
  known.expect(expected);
  t.same(await check([there, made, gone, expected]), { unknown: [2], unsaid: [] });
  t.same(looks, [there, gone], 'JetStream is asked once, and only for what is not known');
});

t.test('a router that may not know all queues cannot say', async (t) => {
  const { looks, held, state, check } = rig(() => false);
  state.isCurrent = false;
  const one = device();
  t.same(await check([one]), { cannot_say: true });
  t.same(looks, []);
  t.same(held, [one], 'but it tells all routers that an edge holds the device');
});

t.test('JetStream is asked for a queue of which the router doubts', async (t) => {
  const [there, gone] = [device(), device()];
  const { known, check } = rig((one) => one.userId === there.userId);
  for (const one of [there, gone]) {
    known.add(one);
    known.doubt(one);
  }
  t.same(await check([there, gone]), { unknown: [1], unsaid: [] });
});

t.test('a queue that is announced during the look is not unknown', async (t) => {
  const one = device();
  const { known, check } = rig(() => {
    known.expect(one);
    return false;
  });
  t.same(await check([one]), { unknown: [], unsaid: [] });
});

t.test('a queue for which JetStream gives no answer is unsaid', async (t) => {
  const [silent, gone] = [device(), device()];
  const { check } = rig((one) => {
    if (one.userId === silent.userId) throw new KahaError('TIMEOUT', 'silent');
    return false;
  });
  t.same(await check([silent, gone]), { unknown: [1], unsaid: [0] });
});

t.test('no look begins that could end after the answer is due', async (t) => {
  const { looks, check } = rig(() => false);
  t.same(await check([device()], steadyMs() + 1_000), { unknown: [], unsaid: [0] });
  t.same(looks, []);
});

t.test('at most 16 looks run at once', async (t) => {
  let running = 0;
  let most = 0;
  const { looks, check } = rig(async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return false;
  });
  const checked = await check(Array.from({ length: 500 }, device));
  t.same(checked.cannot_say ? [] : checked.unknown.length, 500);
  t.equal(looks.length, 500);
  t.equal(most, 16);
});

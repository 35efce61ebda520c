import t from 'tap';
import { queueName } from '../../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { type Device, KnownQueues } from '../queues/known-queues.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { silent } from '../stage/router-stage.ts';
import { ShardTails } from './shard-tails.ts';
import { TailChecks } from './tail-checks.ts';

const LOSS = { keptSeq: 8, upToSeq: 12, foundAt: 5 };

/** Sets up a shard that ended at 12 and has lost all above 8. One queue of two stands at 12. */
function rig() {
  const known = new KnownQueues(1);
  const above: Device = { userId: newId<UserId>(), deviceId: 'above' };
  const below: Device = { userId: newId<UserId>(), deviceId: 'below' };
  for (const device of [above, below]) known.add(device);
  const reached = [
    { name: queueName(above.userId, above.deviceId), seq: 12 },
    { name: queueName(below.userId, below.deviceId), seq: 8 },
  ];
  const voided: Device[] = [];
  const state = { lastSeq: 8 };
  const names = { refresh: async () => undefined };
  const tails = new ShardTails(1, { now: () => 10 });
  const checks = new TailChecks({
    bus: { subscribe: () => ({ unsubscribe: () => undefined }), nc: { isClosed: () => true } },
    api: { reached: async () => reached, shardInfo: async () => state },
    ...{ known, names, tails },
    queues: { void: async (one: Device) => void voided.push(one) },
    signals: {
      tellLoss(_shard: number, _loss: unknown, claimed: number[]) {
        // Events that routers publish meanwhile pass the old end.
        if (claimed.length > 0) state.lastSeq = 20;
      },
    },
    now: () => 10,
    metrics: createRouterMetrics(createMetrics('router', 'router-1')),
    logger: silent,
  } as never);
  const ticket = tails.begin('gone', 0);
  tails.stored(ticket, 9);
  checks.hear({ ...LOSS, from: 'router-2', shard: 0, claimed: [10, 11, 12] });
  return { above, voided, checks, names, state };
}

t.test('a queue that stood above the lost end goes, though publishes pass it since', async (t) => {
  const { above, voided, checks } = rig();
  await checks.check(0);
  t.same(voided, [above]);
  await checks.close();
});

t.test('a check that failed remembers which queues stood above the end', async (t) => {
  const { above, voided, checks, names, state } = rig();
  names.refresh = async () => {
    names.refresh = async () => undefined;
    state.lastSeq = 20;
    throw new Error('the names cannot be read');
  };
  await checks.check(0);
  t.same(voided, [above]);
  await checks.close();
});

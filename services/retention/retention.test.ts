import t from 'tap';
import { startNats } from '../../dev/testing/test-servers.ts';
import { until } from '../../dev/testing/until.ts';
import { KahaError } from '../../shared/errors.ts';
import { type Bus, connectBus, type RpcHandler } from '../../shared/nats/bus.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { createMetrics } from '../../shared/process/metrics.ts';
import { createRetention } from './retention.ts';

const LAST_UNTIL = '2027-04-01T00:00:00.000Z';

/** The stage has a real NATS, and a store that answers as the test says. */
async function setStage(t: Tap, answer: RpcHandler) {
  const nats = await startNats();
  const addressOf = (user: string) => ({ url: nats.url, nkeySeed: nats.seeds[user] as string });
  const store = await connectBus({
    ...addressOf('store'),
    ...depsOf('store'),
    instance: 'store-1',
  });
  store.serve({ subject: 'rpc.store.partitions.ensure', concurrencyMax: 8 }, answer);
  const toPrune = { events: 3_500, devices: 2_100, revisions: 70, steps: 7, isEventsAway: false };
  for (const what of ['events', 'devices', 'revisions', 'steps'] as const) {
    store.serve({ subject: `rpc.store.${what}.prune`, concurrencyMax: 8 }, (body) => {
      if (what === 'events' && toPrune.isEventsAway) {
        throw new KahaError('DATABASE_UNAVAILABLE', 'Postgres is away');
      }
      const deleted = Math.min((body as { limit: number }).limit, toPrune[what]);
      toPrune[what] -= deleted;
      return { deleted };
    });
  }
  const expiry = serveExpiry(store);
  const deps = depsOf('retention');
  const retention = await createRetention(
    {
      instance: 'retention',
      nats: addressOf('retention'),
      admin: { host: '127.0.0.1', port: 0 },
      log: { level: 'silent', hashKey: 'test' },
      partitions: { weeksAhead: 6, intervalMs: 200 },
    },
    deps,
  );
  t.teardown(async () => {
    await retention.close();
    await store.close();
    await nats.stop();
  });
  const get = (path: string) => fetch(`http://127.0.0.1:${retention.adminPort}${path}`);
  return {
    nats,
    retention,
    toPrune,
    expiry,
    metrics: async () => (await get('/metrics')).text(),
    /** Resolves with the metrics of the service, also after it has stopped serving them. */
    countedAtEnd: () => deps.metrics.registry.metrics(),
    /** Resolves once `/readyz` gives the expected answer. */
    async untilReadyz(expected: { status: number; reason: RegExp }) {
      await until('readyz gives the expected answer', async () => {
        const response = await get('/readyz');
        const reason = await response.text();
        return response.status === expected.status && expected.reason.test(reason);
      });
      return true;
    },
  };
}

/** The store has messages to clear, and partitions to drop after that. */
function serveExpiry(store: Bus) {
  const expiry = { left: 1_200, partitions: 2, held: false, isAway: false };
  store.serve({ subject: 'rpc.store.retention.expire', concurrencyMax: 8 }, (body) => {
    if (expiry.isAway) throw new KahaError('DATABASE_UNAVAILABLE', 'Postgres is away');
    const idle = { keys: 0, reactions: 0, revisions: 0, marked: [], partitions_due: 2 };
    const none = { ...idle, messages: 0, left: false, oldest_due_s: 60 };
    if (expiry.held) return { ...none, held: 'the clock has jumped' };
    if (expiry.left === 0) return none;
    const messages = Math.min((body as { limit: number }).limit, expiry.left);
    expiry.left -= messages;
    return { ...none, messages, left: true };
  });
  store.serve({ subject: 'rpc.store.retention.drop', concurrencyMax: 8 }, () => {
    const dropped = expiry.left === 0 && expiry.partitions > 0 ? ['messages_2026_08_17'] : [];
    expiry.partitions -= dropped.length;
    return { dropped, left: expiry.partitions };
  });
  return expiry;
}

type Tap = { teardown(close: () => Promise<void>): void };

t.test(
  'retention asks store at the start and every interval, and is ready after that',
  async (t) => {
    const bodies: unknown[] = [];
    let third = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      third = resolve;
    });
    const stage = await setStage(t, (body) => {
      bodies.push(body);
      if (bodies.length === 3) third();
      return { created: ['messages_2027_03_01'], last_until: LAST_UNTIL, ahead: 6 };
    });
    await asked;
    t.same(bodies, Array(3).fill({ weeks_ahead: 6 }));
    t.ok(await stage.untilReadyz({ status: 200, reason: /ok/ }));
    const text = await stage.metrics();
    t.match(
      text,
      new RegExp(`kaha_retention_partitions_until_seconds.* ${Date.parse(LAST_UNTIL) / 1000}`),
    );
    t.match(text, /kaha_retention_partitions_ahead.* 6/);
    t.match(text, /kaha_retention_partition_runs_total\{outcome="ok".*\} [1-9]/);
  },
);

t.test('a failed run is tried again, and readyz names the failure until a run works', async (t) => {
  let failures = 0;
  let isBack = false;
  const stage = await setStage(t, () => {
    if (isBack) return { created: [], last_until: LAST_UNTIL, ahead: 6 };
    failures += 1;
    throw new KahaError('DATABASE_UNAVAILABLE', 'Postgres is away');
  });
  await until('two runs have failed', () => failures >= 2);
  t.ok(await stage.untilReadyz({ status: 503, reason: /not been ensured yet/ }));
  isBack = true;
  t.ok(await stage.untilReadyz({ status: 200, reason: /ok/ }));
  const failed = new RegExp(
    `kaha_retention_partition_runs_total\\{outcome="failed".*\\} ${failures}`,
  );
  t.match(await stage.metrics(), failed);
});

t.test('retention is not ready when its last success is long ago', async (t) => {
  let works = true;
  const stage = await setStage(t, () => {
    if (!works) throw new KahaError('DATABASE_UNAVAILABLE', 'Postgres is away');
    return { created: [], last_until: LAST_UNTIL, ahead: 6 };
  });
  t.ok(await stage.untilReadyz({ status: 200, reason: /ok/ }));
  works = false;
  t.ok(await stage.untilReadyz({ status: 503, reason: /last ensured at 20/ }));
  works = true;
  t.ok(await stage.untilReadyz({ status: 200, reason: /ok/ }));
});

t.test(
  'readyz tells that NATS is away, and retention is ready again when NATS is back',
  async (t) => {
    const stage = await setStage(t, () => ({ created: [], last_until: LAST_UNTIL, ahead: 6 }));
    t.ok(await stage.untilReadyz({ status: 200, reason: /ok/ }));
    await stage.nats.kill();
    t.ok(await stage.untilReadyz({ status: 503, reason: /NATS is not connected/ }));
    await stage.nats.restart();
    t.ok(await stage.untilReadyz({ status: 200, reason: /ok/ }));
  },
);

t.test('each run lets store forget old events and devices until none is left', async (t) => {
  const stage = await setStage(t, () => ({ created: [], last_until: LAST_UNTIL, ahead: 6 }));
  await until('all are forgotten', () => stage.toPrune.events + stage.toPrune.devices === 0);
  await until('they are counted', async () => {
    const text = await stage.metrics();
    const isCounted = /kaha_retention_pruned_events_total.* 3500/.test(text);
    return isCounted && /kaha_retention_pruned_devices_total.* 2100/.test(text);
  });
  const ran = /kaha_retention_prune_runs_total\{outcome="ok",what="devices".*\} [1-9]/;
  t.match(await stage.metrics(), ran);
});

t.test('devices are forgotten also while events cannot be', async (t) => {
  const stage = await setStage(t, () => ({ created: [], last_until: LAST_UNTIL, ahead: 6 }));
  stage.toPrune.isEventsAway = true;
  stage.toPrune.devices += 4_000;
  await until('all are forgotten', () => stage.toPrune.devices === 0);
  const failed = /kaha_retention_prune_runs_total\{outcome="failed",what="events".*\} [1-9]/;
  await until('the failure is counted', async () => failed.test(await stage.metrics()));
});

t.test(
  'messages whose time is over are cleared, and then their partitions are dropped',
  async (t) => {
    const stage = await setStage(t, () => ({ created: [], last_until: LAST_UNTIL, ahead: 6 }));
    await until('all is gone', () => stage.expiry.partitions + stage.toPrune.steps === 0);
    const expected = [
      /kaha_retention_cleared_total\{what="messages".* 1200/,
      /kaha_retention_dropped_total.* 2/,
      /kaha_retention_pruned_revisions_total.* 70/,
      /kaha_retention_pruned_steps_total.* 7/,
      /kaha_retention_partitions_due.* 2/,
      /kaha_retention_oldest_due_seconds.* 60/,
      /kaha_retention_held.* 0/,
    ];
    await until('it is counted', async () => {
      const text = await stage.metrics();
      return expected.every((line) => line.test(text));
    });
    t.pass();
  },
);

t.test('while the clock cannot be trusted nothing goes, and partitions are made', async (t) => {
  let ensured = 0;
  const stage = await setStage(t, () => {
    ensured += 1;
    return { created: [], last_until: LAST_UNTIL, ahead: 6 };
  });
  await until('all is gone', () => stage.toPrune.steps === 0);
  Object.assign(stage.expiry, { held: true, left: 100, partitions: 1 });
  const held = /kaha_retention_held.* 1/;
  await until('the metric says so', async () => held.test(await stage.metrics()));
  const before = ensured;
  stage.toPrune.revisions = 9;
  await until('partitions were ensured again', () => ensured > before + 1);
  t.match(stage.expiry, { left: 100, partitions: 1 });
  t.equal(stage.toPrune.revisions, 9);
});

t.test('partitions are made also while nothing can be cleared', async (t) => {
  let ensured = 0;
  const stage = await setStage(t, () => {
    ensured += 1;
    return { created: [], last_until: LAST_UNTIL, ahead: 6 };
  });
  stage.expiry.isAway = true;
  const failed = /kaha_retention_expiry_runs_total\{outcome="failed".*\} [1-9]/;
  await until('the failure is counted', async () => failed.test(await stage.metrics()));
  const before = ensured;
  await until('partitions were ensured again', () => ensured > before + 1);
  t.ok(await stage.untilReadyz({ status: 200, reason: /ok/ }));
});

t.test('a closing process waits for the run in flight', async (t) => {
  let answer: ((reply: unknown) => void) | undefined;
  const stage = await setStage(t, () => new Promise((resolve) => (answer = resolve)));
  await until('the request has come', () => answer !== undefined);
  let isClosed = false;
  const closed = stage.retention.close().then(() => {
    isClosed = true;
  });
  t.ok(await stage.untilReadyz({ status: 503, reason: /draining/ }), 'it has begun to close');
  t.notOk(isClosed);
  answer?.({ created: [], last_until: LAST_UNTIL, ahead: 6 });
  await closed;
  const counted = await stage.countedAtEnd();
  t.match(counted, /kaha_retention_partition_runs_total\{outcome="ok".*\} 1/);
  t.notMatch(counted, /outcome="failed"/, 'NATS was still open for the answer');
});

function depsOf(instance: string) {
  return {
    logger: createLogger({ service: 'test', instance, level: 'silent', hashKey: 'test' }),
    metrics: createMetrics('test', instance),
  };
}

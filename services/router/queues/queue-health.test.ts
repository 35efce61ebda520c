import { mock } from 'node:test';
import t from 'tap';
import { createLogger } from '../../../shared/process/logger.ts';
import { ShardTails } from '../tails/shard-tails.ts';
import type { ShardInfo } from './queue-api.ts';
import { watchHealth } from './queue-health.ts';

const SHARDS = 12;
const AT_ONCE = 8;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sets up a watch of shards. JetStream refuses its questions once the test says so. */
function rig(t: { teardown(end: () => unknown): void }) {
  mock.timers.enable({ apis: ['setInterval'] });
  const asked: ((error: Error) => void)[] = [];
  const lines: string[] = [];
  const options = { service: 'test', instance: 'router-1', level: 'warn', hashKey: 'test' };
  const health = watchHealth({
    bus: { connected: true, onReconnect: () => undefined },
    api: {
      shardInfo: () => new Promise<ShardInfo>((_, reject) => void asked.push(reject)),
    },
    queues: { void: async () => undefined },
    tails: new ShardTails(SHARDS, { now: () => 0 }),
    checkTail: async () => undefined,
    shards: SHARDS,
    logger: createLogger(options, { write: (line) => void lines.push(line) }),
  });
  t.teardown(() => mock.timers.reset());
  const failAll = async (): Promise<void> => {
    for (let done = 0; done < asked.length; done += 1) {
      asked[done]?.(new Error('JetStream is slow'));
      await settled();
    }
  };
  return { health, asked, lines, failAll, tick: () => mock.timers.tick(20_000) };
}

t.test('a look at the shards waits for the one before, and fails in one line', async (t) => {
  const { health, asked, lines, failAll, tick } = rig(t);
  tick();
  tick();
  tick();
  t.equal(asked.length, AT_ONCE, 'JetStream has not answered the first');
  await failAll();
  t.equal(asked.length, SHARDS);
  t.equal(lines.length, 1);
  t.match(JSON.parse(lines[0] ?? ''), { msg: 'depths of queues not known', err: {} });
  t.equal(JSON.parse(lines[0] ?? '').shards.length, SHARDS);
  tick();
  t.equal(asked.length, SHARDS + AT_ONCE, 'the next look begins');
  await failAll();
  await health.close();
});

t.test('a close waits for the look, which asks about no further shard', async (t) => {
  const { health, asked, failAll, tick } = rig(t);
  tick();
  tick();
  let isClosed = false;
  const closed = health.close().then(() => {
    isClosed = true;
  });
  await settled();
  t.notOk(isClosed);
  await failAll();
  await closed;
  t.equal(asked.length, AT_ONCE);
});

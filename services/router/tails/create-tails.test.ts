import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { queueName, streams } from '../../../shared/contracts/subjects.ts';
import { newId, shardOf, type UserId } from '../../../shared/ids.ts';
import { letter, SHARDS, StageDevice, send, setStage } from '../stage/router-stage.ts';

/** One NATS server loses all that a stream had, while some of the routers are gone. */
const stage = await setStage();
const { edge, store, nats } = stage;
t.teardown(() => stage.close());
const admin = await stage.busOf('setup');
const jsm = await admin.nc.jetstreamManager();

function deviceIn(shard: number): StageDevice {
  let userId = newId<UserId>();
  while (shardOf(userId, SHARDS) !== shard) userId = newId<UserId>();
  const device = new StageDevice(edge, userId);
  device.acknowledges = false;
  return device;
}

const hasQueue = async ({ userId, deviceId }: StageDevice): Promise<boolean> => {
  const page = await jsm.consumers.list(streams.queue(shardOf(userId, SHARDS))).next();
  return page.some(({ name }) => name === queueName(userId, deviceId));
};

/** Sends a message to the device, which comes by its queue. The sender has no device. */
async function deliver(device: StageDevice, router: string): Promise<void> {
  const sender = newId<UserId>();
  const before = device.events.length;
  await send(edge, letter(store.open([sender, device.userId]), sender), router);
  await until('it came', () => device.events.length > before && store.outbox.size === 0);
}

/** Kills NATS, and starts it again without the messages of the shard. */
async function loseMessages(shard: number): Promise<void> {
  const back = [edge, admin].map((bus) => new Promise<void>((done) => bus.onReconnect(done)));
  await nats.kill('SIGTERM');
  const dir = join(nats.dataDir, 'nats');
  const stream = `/${streams.queue(shard)}/msgs/`;
  for (const path of readdirSync(dir, { recursive: true }) as string[]) {
    if (path.includes(stream)) rmSync(join(dir, path), { force: true });
  }
  await nats.restart();
  await Promise.all(back);
}

t.test(
  'routers void the queues to which they published, markers too, in this shard alone',
  async (t) => {
    const routers = [await stage.startRouter('router-1'), await stage.startRouter('router-2')];
    const [one, two, other] = [deviceIn(1), deviceIn(1), deviceIn(2)];
    for (const device of [one, two, other]) await device.open();
    await deliver(one, 'router-1');
    await deliver(two, 'router-2');
    await deliver(other, 'router-1');
    await loseMessages(1);
    await until('voided', async () => !(await hasQueue(one)) && !(await hasQueue(two)));
    await deliver(other, 'router-1');
    for (const router of routers) await router.close();
    t.equal(await hasQueue(other), true);
  },
);

t.test('what a router published that is gone voids all queues of the shard', async (t) => {
  const stays = await stage.startRouter('router-1');
  const leaves = await stage.startRouter('router-2');
  const [one, beside, other] = [deviceIn(3), deviceIn(3), deviceIn(2)];
  for (const device of [one, beside, other]) await device.open();
  await deliver(one, 'router-2');
  await leaves.close();
  await loseMessages(3);
  await until('voided', async () => !(await hasQueue(one)) && !(await hasQueue(beside)));
  t.ok(await hasQueue(other));
  await stays.close();
});

t.test('a router that starts alone finds queues above the end of their stream', async (t) => {
  const first = await stage.startRouter('router-1');
  const [one, other] = [deviceIn(0), deviceIn(2)];
  for (const device of [one, other]) {
    await device.open();
    await deliver(device, 'router-1');
  }
  await first.close();
  await loseMessages(0);
  const second = await stage.startRouter('router-1');
  await until('voided', async () => !(await hasQueue(one)));
  t.ok(await hasQueue(other));
  await second.close();
});

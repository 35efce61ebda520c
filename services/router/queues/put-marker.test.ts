import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import type { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { letter, SHARDS, StageDevice, send, setStage, silent } from '../stage/router-stage.ts';
import { DeviceQueues } from './device-queues.ts';
import { type Device, KnownQueues } from './known-queues.ts';
import { putMarker } from './put-marker.ts';
import { createQueueApi, type QueueApi } from './queue-api.ts';
import type { NotStored, QueueMessage } from './queue-publisher.ts';

const UNCHECKED = { checkDeadline: () => undefined, checkMade: async () => undefined };
const stage = await setStage();
await stage.startRouter();
await stage.startRouter('router-2');
const { edge, store } = stage;
const bus = await stage.busOf('router-9');
const api = createQueueApi(bus, { shards: SHARDS, inactiveDays: 7 });
t.teardown(() => stage.close());

/** Makes a queue as a router does that dies before it puts the marker in. */
async function makeUnmarked(device: Device): Promise<void> {
  bus.publish(subjects.queuesMade, `${device.userId}_${device.deviceId}`);
  await api.create(device);
  await bus.nc.flush();
}

t.test('each new queue begins with a marker of its own', async (t) => {
  const device = new StageDevice(edge, newId<UserId>());
  t.match(await device.open(), { resumed: false });
  t.equal(device.markers.length, 1);
  await device.close();
  t.match(await device.open(), { resumed: true });
  t.equal(device.markers.length, 1);
  await device.close();
  t.match(await device.open({ resync: true }), { resumed: false });
  t.equal(new Set(device.markers).size, 2);
  t.same(device.events, []);
});

t.test('a queue whose router died before it was marked is made anew', async (t) => {
  const device = new StageDevice(edge, newId<UserId>());
  await makeUnmarked(device);
  t.match(await device.open(), { resumed: false });
  t.equal(device.markers.length, 1);
});

t.test('an unmarked queue is made anew though events are in it', async (t) => {
  const alice = newId<UserId>();
  const device = new StageDevice(edge, newId<UserId>());
  await makeUnmarked(device);
  await send(edge, letter(store.open([alice, device.userId]), alice));
  await until('the queue has it', async () => (await api.info(device))?.num_pending === 1);
  t.match(await device.open(), { resumed: false });
  t.equal(device.markers.length, 1);
});

t.test('another router resumes a queue of which its device acknowledged something', async (t) => {
  const [told, untold] = [new StageDevice(edge, newId<UserId>()), new StageDevice(edge, newId())];
  untold.acknowledgesMarkers = false;
  for (const device of [told, untold]) {
    t.match(await device.open(), { resumed: false });
    await device.close();
  }
  t.match(await told.open({ router: 'router-2' }), { resumed: true });
  t.match(await untold.open({ router: 'router-2' }), { resumed: false });
  t.equal(untold.markers.length, 2);
});

t.test('the router that marked a queue resumes it, and the marker tells', async (t) => {
  const device = new StageDevice(edge, newId<UserId>());
  device.acknowledgesMarkers = false;
  t.match(await device.open(), { resumed: false });
  t.match(await device.open(), { resumed: true });
});

t.test('a queue without its marker counts as unmarked, and its session is refused', async (t) => {
  const known = new KnownQueues(1);
  const device = { userId: newId<UserId>(), deviceId: 'a' };
  const refusing = {
    publish: ({ notStored }: { notStored(why: { reason: string }): void }) =>
      notStored({ reason: 'shard full' }),
  };
  const queues = new DeviceQueues({
    ...{ store: {} as never, shards: 1, known, holders: {} as never, logger: silent },
    api: { create: async () => undefined } as unknown as QueueApi,
    announce: () => known.expect(device),
    putMarker: (one) =>
      putMarker({ publisher: refusing as never, makeRoomBeside: async () => undefined }, one),
    signalResync: () => undefined,
    metrics: { queuesCreated: { inc: () => undefined } } as never,
  });
  await t.rejects(queues.create(device, UNCHECKED), {
    code: 'MESSAGING_UNAVAILABLE',
    message: /shard full/,
  } satisfies Partial<Record<keyof KahaError, unknown>>);
  t.ok(known.has(device));
  t.notOk(known.isMarked(device));
});

/** Puts a marker where the publishes end as given, and tells what was done for it. */
async function tryToMark(...ends: (string | undefined)[]) {
  const done: string[] = [];
  const ids = new Set<string>();
  const publisher = {
    publish: ({ msgId, stored, notStored }: QueueMessage) => {
      const what = ends.shift();
      ids.add(msgId);
      done.push(what ?? 'stored');
      if (what === undefined) stored(1);
      else notStored({ what, reason: what } as NotStored);
    },
  };
  const makeRoomBeside = async (): Promise<void> => void done.push('make room');
  const device = { userId: newId<UserId>(), deviceId: 'a' };
  const isIn = await putMarker({ publisher, makeRoomBeside }, device).then(
    () => true,
    () => false,
  );
  return { isIn, done, ids: ids.size };
}

t.test('a marker that a full shard refuses goes in once there is room', async (t) => {
  const done = ['shard full', 'make room', 'stored'];
  t.same(await tryToMark('shard full', undefined), { isIn: true, done, ids: 1 });
});

t.test('a marker whose publish fails is tried once more with the same id', async (t) => {
  t.same(await tryToMark('failed', undefined), { isIn: true, done: ['failed', 'stored'], ids: 1 });
  const done = ['failed', 'failed'];
  t.same(await tryToMark('failed', 'failed'), { isIn: false, done, ids: 1 });
});

import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { consumerAdvisory, queueName } from '../../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { silent } from '../stage/router-stage.ts';
import { DeviceQueues } from './device-queues.ts';
import { type Device, KnownQueues } from './known-queues.ts';
import type { QueueApi } from './queue-api.ts';
import { readShard, watchQueues } from './queue-watch.ts';

const UNCHECKED = { checkDeadline: () => undefined, checkMade: async () => undefined };
const device = (): Device => ({ userId: newId<UserId>(), deviceId: 'a' });
const nameOf = ({ userId, deviceId }: Device): string => queueName(userId, deviceId);

/** Sets up a reader of one shard. Its names are `listed`, while the queues of `there` exist. */
function setReader({ listed, there }: { listed: Device[]; there: Device[] }) {
  const known = new KnownQueues(1);
  const voided: Device[] = [];
  const lost: Device[] = [];
  const reading = {
    api: {
      names: async () => ({ names: listed.map(nameOf), total: listed.length }),
      info: async (one: Device) =>
        there.some((it) => nameOf(it) === nameOf(one)) ? {} : undefined,
    } as unknown as QueueApi,
    known,
    lost: { add: (one: Device) => void lost.push(one) },
    voidQueue: async (one: Device) => void voided.push(one),
    isCurrent: () => true,
    logger: silent,
  };
  return { known, voided, lost, reading };
}

t.test('a queue that a page missed stays known, and a queue that is gone does not', async (t) => {
  const [missed, gone] = [device(), device()];
  const { known, lost, voided, reading } = setReader({ listed: [], there: [missed] });
  known.add(missed);
  known.add(gone);
  await readShard(0, reading);
  t.ok(known.has(missed));
  t.same(known.devicesOf(gone.userId), []);
  t.same({ lost, voided }, { lost: [gone], voided: [] });
});

t.test('a queue that nobody announced is voided, again until that succeeds', async (t) => {
  const [one, other, expected] = [device(), device(), device()];
  const there = [one, other, expected];
  const { known, voided, reading } = setReader({ listed: there, there });
  known.expect(expected);
  let isFailing = true;
  const voidQueue = async (found: Device): Promise<void> => {
    if (isFailing && nameOf(found) === nameOf(one)) throw new Error('NATS is busy');
    voided.push(found);
  };
  await readShard(0, { ...reading, voidQueue });
  t.same(voided, [other], 'the other queues go on');
  t.ok(known.has(expected));
  isFailing = false;
  await readShard(0, { ...reading, voidQueue });
  t.same(voided, [other, one]);
});

t.test('queues that the first read after a connection finds are taken as they are', async (t) => {
  const one = device();
  const { known, voided, reading } = setReader({ listed: [one], there: [one] });
  await readShard(0, { ...reading, isCurrent: () => false });
  t.ok(known.has(one));
  t.same(voided, []);
});

t.test('a queue is announced before it is made, and marked after that', async (t) => {
  const done: string[] = [];
  const note = (what: string) => async () => void done.push(what);
  const queues = new DeviceQueues({
    store: {} as never,
    api: { create: note('create') } as unknown as QueueApi,
    known: { add: note('add'), isDoubted: () => false, mark: () => undefined } as never,
    shards: 1,
    holders: {} as never,
    announce: () => void done.push('announce'),
    putMarker: note('mark'),
    signalResync: () => undefined,
    metrics: { queuesCreated: { inc: () => undefined } } as never,
    logger: silent,
  });
  await queues.create(device(), UNCHECKED);
  t.same(done, ['announce', 'create', 'add', 'mark']);
});

t.test('a queue that was deleted before its creation is answered stays doubted', async (t) => {
  const known = new KnownQueues(1);
  const one = device();
  // The advisories of the creation and of the deletion overtake the answer.
  const create = async (): Promise<void> => {
    known.add(one);
    known.doubt(one);
  };
  const queues = new DeviceQueues({
    ...{ store: {} as never, api: { create } as unknown as QueueApi },
    ...{ known, shards: 1, holders: {} as never },
    ...{ announce: () => known.expect(one), putMarker: async () => undefined },
    signalResync: () => undefined,
    metrics: { queuesCreated: { inc: () => undefined } } as never,
    logger: silent,
  });
  await queues.create(one, UNCHECKED);
  t.ok(known.isDoubted(one));
  t.notOk(known.has(one));
});

/** Sets up a watch that hears that a device queue was deleted, and looks for it by `info`. */
function setWatch(t: Pick<Test, 'teardown'>, info: () => Promise<{ created: string } | undefined>) {
  const known = new KnownQueues(1);
  const one = device();
  const heard = new Map<string, (msg: Msg) => void>();
  const told: Device[] = [];
  const bus = {
    subscribe: (subject: string, hear: (msg: Msg) => void) => heard.set(subject, hear),
    onReconnect: () => undefined,
    ...{ connected: true, nc: { isClosed: () => true } },
  } as unknown as Bus;
  const watch = watchQueues({
    ...{ bus, known, shards: 1, api: { info } as unknown as QueueApi, logger: silent },
    ...{ voidQueue: async () => undefined, signalResync: (it) => void told.push(it) },
  });
  t.teardown(() => watch.close());
  known.add(one);
  const advisory = consumerAdvisory('DELETED');
  const subject = advisory.replace('>', `QUEUE_0.${nameOf(one)}`);
  const data = Buffer.from(JSON.stringify({ timestamp: '2026-11-30T10:00:00.5Z' }));
  heard.get(advisory)?.({ subject, data } as unknown as Msg);
  return { known, one, told };
}

t.test('a device is told when nobody can say whether its deleted queue exists', async (t) => {
  const { one, told } = setWatch(t, () => Promise.reject(new Error('NATS is busy')));
  await until('the device is told', () => told.length > 0);
  t.same(told, [one]);
});

t.test('a queue that is still found while it is deleted is looked for again', async (t) => {
  const answers = [{ created: '2026-11-29T10:00:00Z' }, undefined];
  const { known, one, told } = setWatch(t, async () => answers.shift());
  await until('the device is told', () => told.length > 0);
  t.notOk(known.mayExist(one));
});

t.test('a queue that was made since the deletion is known at once', async (t) => {
  let looks = 0;
  const { known, one } = setWatch(t, async () => {
    looks += 1;
    return { created: '2026-11-30T10:00:00.6Z' };
  });
  t.ok(known.isDoubted(one));
  await until('the queue is known', () => known.has(one));
  t.equal(looks, 1);
});

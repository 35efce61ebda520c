import type { JetStreamManager } from 'nats';
import t from 'tap';
import { TEST_QUEUE_SHARDS } from '../dev/testing/common-stack.ts';
import { type Cluster, startCluster } from '../dev/testing/nats-cluster.ts';
import { until } from '../dev/testing/until.ts';
import { firstFor } from '../services/edge/routers/rendezvous.ts';
import { streams, subjects } from '../shared/contracts/subjects.ts';
import { newId, shardOf, type UserId } from '../shared/ids.ts';
import { connectNats } from '../shared/nats/nats-connection.ts';
import type { Client } from './stage/client.ts';
import { type Person, setStack } from './stage/stack.ts';

/**
 * One of three NATS servers loses the last events of its streams, as after a loss of power, and no
 * server tells anybody. Meanwhile a router dies, and starts again.
 */
let cluster: Cluster | undefined;
const system = await setStack(t, {
  ...{ edges: 2, routers: 3, stores: 1 },
  startNats: async (dataDir) => {
    cluster = await startCluster(dataDir);
    return cluster;
  },
});
const { copyStore, losesTail, url, seeds } = cluster as unknown as Cluster;
const ROUTERS = ['router-1', 'router-2', 'router-3'];
const SHARDS = TEST_QUEUE_SHARDS;
const TOLD_MS = 30_000;

const setup = await connectNats({
  ...{ url, natsUser: 'setup', instance: 'setup', nkeySeed: seeds.setup ?? '' },
});
t.teardown(() => setup.close());
const jsm: JetStreamManager = await setup.jetstreamManager();
type Three = [number, number, number];
const ends = async (shards: Three): Promise<Three> => {
  const infos = await Promise.all(shards.map((shard) => jsm.streams.info(streams.queue(shard))));
  return infos.map(({ state }) => state.last_seq) as Three;
};

/** Resolves with when the event behind this number was stored, if there is one. */
const storedBehind = (shard: number, seq: number): Promise<Date | undefined> =>
  jsm.streams.getMessage(streams.queue(shard), { seq: seq + 1 }).then(
    ({ time }) => time,
    (error: Error) => {
      if (error.message !== 'no message found') throw error;
      return undefined;
    },
  );

/** Returns three shards that one server has, the server, and a shard that another one has. */
async function places() {
  const byServer = new Map<string, number[]>();
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const { cluster: place } = await jsm.streams.info(streams.queue(shard));
    const server = place?.leader ?? '';
    byServer.set(server, [...(byServer.get(server) ?? []), shard]);
    const [found, other] = [...byServer].sort(([, a], [, b]) => b.length - a.length);
    if (found === undefined || other === undefined || found[1].length < 3) continue;
    return { server: found[0], shards: found[1] as Three, other: other[1][0] };
  }
  throw new Error('one server has all shards');
}

async function personIn(shard: number): Promise<Person> {
  let id = newId<UserId>();
  while (shardOf(id, SHARDS) !== shard) id = newId<UserId>();
  const token = await system.stack.token(id);
  system.canaries.add(id).add(token);
  return { id, token };
}

/** Makes a person of the shard, whose conversation with the sender is of the wanted router. */
async function addressee(shard: number, sender: Person, isOf: (router: string) => boolean) {
  for (;;) {
    const person = await personIn(shard);
    const conversation = await system.conversation([sender, person]);
    if (isOf(firstFor(conversation, ROUTERS) as string)) return { person, conversation };
  }
}

const isTold = (client: Client): boolean => client.received.some(({ type }) => type === 'resync');
const contentsOf = (client: Client): string[] => [
  ...new Set(client.messageEvents.map(({ content }) => content)),
];
/** Opens a device that acknowledges nothing from now on, so that its events stay in its queue. */
async function connectSlow(person: Person, edge: number): Promise<Client> {
  const client = await system.connectNew(person, { edge });
  client.isAcking = false;
  return client;
}

/** Connects devices whose shards lose something, or do not, and the device that sends to them. */
async function scene() {
  const { server, shards, other } = await places();
  const [a, b, c] = shards;
  const sender = await personIn(other as number);
  const lives = (router: string): boolean => router !== 'router-3';
  const dies = (router: string): boolean => router === 'router-3';
  const concerned = await addressee(a, sender, lives);
  const away = await addressee(a, sender, lives);
  const kept = await addressee(a, sender, lives);
  const ofDead = await addressee(b, sender, dies);
  const beside = await addressee(b, sender, lives);
  const whole = await addressee(c, sender, lives);
  const elsewhere = await addressee(other as number, sender, lives);
  const from = await system.connectNew(sender);
  const devices = {
    concerned: await connectSlow(concerned.person, 1),
    kept: await connectSlow(kept.person, 2),
    ofDead: await connectSlow(ofDead.person, 1),
    beside: await connectSlow(beside.person, 2),
    whole: await connectSlow(whole.person, 1),
    elsewhere: await connectSlow(elsewhere.person, 2),
  };
  await (await system.connectNew(away.person)).close();
  return { server, shards, from, devices, concerned, away, kept, ofDead, whole, elsewhere };
}

async function owed(): Promise<number> {
  const rows = await system.sql<{ owed: number }>('SELECT count(*)::int AS owed FROM outbox');
  return rows[0]?.owed ?? 0;
}

t.test('all devices concerned are told, and no others, though a router dies', async (t) => {
  const { server, shards, from, devices, ...people } = await scene();
  const { concerned, away, kept, ofDead, whole, elsewhere } = people;
  await until('nothing is owed', async () => (await owed()) === 0);
  const atFirst = await ends(shards);
  await from.post(kept.conversation, 'kept');
  await from.post(whole.conversation, 'kept');
  await until('they are stored', async () => {
    const [inA, , inC] = await ends(shards);
    return inA > atFirst[0] && inC > atFirst[2] && (await owed()) === 0;
  });
  copyStore(server);
  const atCopy = await ends(shards);
  const { heard } = await hearTails('router-3', shards[1]);
  for (const { conversation } of [concerned, away, ofDead, elsewhere]) {
    await from.post(conversation, 'lost');
  }
  await until('they are stored', async () => {
    const [inA, inB] = await ends(shards);
    return inA >= atCopy[0] + 2 && inB > atCopy[1] && (await owed()) === 0;
  });
  await heard;
  const killedAt = new Date();
  system.signal('router-3', 'SIGKILL');
  await losesTail(server);
  await system.stack.start('router-3');
  await until('the server is back', () =>
    ends(shards).then(
      () => true,
      () => false,
    ),
  );
  for (const index of [0, 1] as const) {
    const stored = await storedBehind(shards[index], atCopy[index]);
    // The first routers may have told their devices by now, and their new queues have markers.
    t.ok(stored === undefined || stored >= killedAt, 'the loss is real');
  }
  const backAt = Date.now();
  await from.post(kept.conversation, 'after');

  const toldDevices = [devices.concerned, devices.ofDead, devices.beside];
  await Promise.all(toldDevices.map((client) => client.next('resync', TOLD_MS)));
  t.comment(`told after ${Date.now() - backAt} ms`);
  const back = await system.connect(away.person);
  t.equal(back.received[0]?.resumed, false);
  await back.next('replay_end');
  await Promise.all(toldDevices.map((client) => client.next('replay_end')));
  for (const client of [devices.concerned, devices.ofDead, back]) {
    t.same(contentsOf(client), ['lost']);
  }
  await devices.kept.messages(2);
  t.same(contentsOf(devices.kept), ['kept', 'after']);
  const others = [devices.kept, devices.whole, devices.elsewhere, from];
  t.same(others.map(isTold), [false, false, false, false]);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});

/** Hears when the router tells the others how far the shard is. */
async function hearTails(router: string, shard: number): Promise<{ heard: Promise<void> }> {
  const nc = await connectNats({
    ...{ url, natsUser: 'router', instance: 'router-9', nkeySeed: seeds.router ?? '' },
  });
  t.teardown(() => nc.close());
  const heard = new Promise<void>((resolve) => {
    nc.subscribe(subjects.queuesTails, {
      callback: (_, msg) => {
        const { from, ends = [] } = msg.json<{ from: string; ends?: [number, number, number][] }>();
        if (from === router && ends.some(([told]) => told === shard)) resolve();
      },
    });
  });
  await nc.flush();
  return { heard };
}

import { startNats } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import {
  decodeDurableEvent,
  decodeLive,
  decodeQueueMarker,
} from '../../../shared/contracts/events.ts';
import type { MessageInput, MessageSent } from '../../../shared/contracts/messages.ts';
import { AFTER_HEADER } from '../../../shared/contracts/offer-answers.ts';
import type {
  RouterOps,
  RouterRequestOf,
  SessionOpen,
  SessionOpened,
} from '../../../shared/contracts/router-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import { newId } from '../../../shared/ids.ts';
import { type Bus, connectBus, type Msg } from '../../../shared/nats/bus.ts';
import { connectNats } from '../../../shared/nats/nats-connection.ts';
import { createAskRouter } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createRouter, type Router } from '../router.ts';
import { setUpStreams } from '../streams/stream-setup.ts';
import { ScriptedStore } from './scripted-store.ts';

export const SHARDS = 4;
export const ROUTER = 'router-1';
export const silent = partsOf('test').logger;
const QUEUE_BYTES_MAX = 256 * 1024 * 1024;
const EVENTS_BYTES_MAX = 64 * 1024 ** 2;
const TIMEOUT_MS = 5_000;
const ACK = new TextEncoder().encode('+ACK');
/** The reply subject `$JS.ACK.<stream>.<consumer>.<times>.<stream seq>…` has it at this index. */
const STREAM_SEQ = 5;

type Nats = Awaited<ReturnType<typeof startNats>>;

/**
 * A stage has real NATS with its streams, a scripted store, and buses to play the other services
 * on.
 */
type Stage = {
  nats: Nats;
  edge: Bus;
  store: ScriptedStore;
  busOf(instance: string): Promise<Bus>;
  startRouter(instance?: string): Promise<Router>;
  /** Kills NATS and starts it again. Resolves once all buses and routers are back. */
  restartNats(meanwhile?: () => void): Promise<void>;
  close(): Promise<void>;
};

export async function setStage(): Promise<Stage> {
  const nats = await startNats();
  await setUp(nats);
  const buses: Bus[] = [];
  const routers: Router[] = [];
  const busOf = async (instance: string): Promise<Bus> => {
    const bus = await connectBus({ ...partsOf(instance), ...addressOf(nats, instance) });
    buses.push(bus);
    return bus;
  };
  const store = new ScriptedStore();
  store.serve(await busOf('store-1'));
  const edge = await busOf('edge-1');
  return {
    nats,
    edge,
    store,
    busOf,
    async startRouter(instance = ROUTER) {
      const parts = partsOf(instance);
      const config = {
        instance,
        nats: addressOf(nats, 'router'),
        admin: { host: '127.0.0.1', port: 0 },
        log: { level: 'silent', hashKey: 'test' },
        queueShards: SHARDS,
        queueInactiveDays: 7,
      };
      const router = await createRouter(config, parts);
      routers.push(router);
      return router;
    },
    async restartNats(meanwhile) {
      const back = buses.map((bus) => new Promise<void>((resolve) => bus.onReconnect(resolve)));
      await nats.kill();
      meanwhile?.();
      await nats.restart();
      await Promise.all(back);
      for (const { adminPort } of routers) await untilReady(adminPort);
    },
    async close() {
      await Promise.all(routers.map((router) => router.close()));
      await Promise.all(buses.map((bus) => bus.close()));
      await nats.stop();
    },
  };
}

async function setUp(nats: Nats, shards = SHARDS): Promise<void> {
  const address = addressOf(nats, 'setup');
  const nc = await connectNats({ ...address, natsUser: 'setup', instance: 'setup' });
  try {
    const bytes = { queueBytesMax: QUEUE_BYTES_MAX, eventsBytesMax: EVENTS_BYTES_MAX };
    await setUpStreams(nc, { shards, replicas: 1, ...bytes, feedConsumers: [] });
  } finally {
    await nc.close();
  }
}

/** Plays a device and its edge: it opens a session and subscribes the device's queue. */
export class StageDevice {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly events: Record<string, unknown>[] = [];
  readonly signals: Record<string, unknown>[] = [];
  readonly unacked: Msg[] = [];
  /** The stream gave this number to the last event that the queue sent. */
  lastStreamSeq = 0;
  /** These are the ids of the markers that the queue has sent. */
  readonly markers: string[] = [];
  acknowledges = true;
  acknowledgesMarkers = true;
  /** The device answers offers so: it takes them, leaves them to the queue, or stays silent. */
  answer: '+' | '+*' | '-' | '' = '-';
  readonly offered: Record<string, unknown>[] = [];
  /** Routers have asked the device's edge to sign it out, in these words. */
  readonly signOuts: string[] = [];
  /** The header `After` of each offer, which most offers do not have. */
  readonly offeredAfter: (string | undefined)[] = [];
  readonly #bus: Bus;
  #epoch = 0;
  #subscriptions: { unsubscribe(): void }[] = [];
  #markerDone: Promise<unknown> = Promise.resolve();

  constructor(bus: Bus, userId: UserId, deviceId = 'phone-1') {
    this.#bus = bus;
    this.userId = userId;
    this.deviceId = deviceId;
    bus.subscribe(subjects.user(userId), ({ data }) => {
      const live = decodeLive(data);
      const event = live && JSON.parse(Buffer.from(live.body).toString());
      const signal = live ? { kind: 'event', event } : JSON.parse(Buffer.from(data).toString());
      this.signals.push(signal);
    });
  }

  async open(options: Partial<SessionOpen> & { router?: string } = {}): Promise<SessionOpened> {
    const { router = ROUTER, ...rest } = options;
    const request = {
      op: 'session.open' as const,
      user_id: this.userId,
      device_id: this.deviceId,
      ...rest,
    };
    const marked = this.markers.length;
    const opened = await ask(this.#bus, request, router);
    if (!('epoch' in opened)) return opened;
    this.#epoch = opened.epoch;
    await this.listen();
    if (!opened.resumed) await until('the marker comes', () => this.markers.length > marked);
    await this.#markerDone;
    return opened;
  }

  async listen(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    const { userId, deviceId } = this;
    this.#subscriptions = [
      this.#bus.subscribe(subjects.deliver(userId, deviceId), (msg) => this.#receive(msg)),
      this.#bus.subscribe(subjects.device(userId, deviceId), (msg) => this.#asked(msg)),
    ];
    await this.#bus.nc.flush();
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
    await this.#bus.nc.flush();
  }

  /** Answers routers, but never gives the device up, like an edge that is frozen. */
  #asked(msg: Msg): void {
    const asked = msg.string();
    if (asked.startsWith('sign-out ')) {
      this.signOuts.push(asked);
      msg.respond('released');
      return;
    }
    if (asked === 'held') msg.respond('held');
    if (asked.startsWith('release ') && Number(asked.slice(8)) < this.#epoch) msg.respond('newer');
    if (asked === 'held' || asked.startsWith('release')) return;
    const { body } = decodeDurableEvent(msg.data) ?? {};
    this.offered.push(JSON.parse(Buffer.from(body ?? []).toString()));
    this.offeredAfter.push(msg.headers?.get(AFTER_HEADER) || undefined);
    if (this.answer !== '') msg.respond(this.answer);
  }

  #receive(msg: Msg): void {
    if (!msg.reply?.startsWith('$JS.ACK.')) return;
    const markerId = decodeQueueMarker(msg.data);
    if (markerId !== undefined) {
      this.markers.push(markerId);
      if (!this.acknowledgesMarkers) return;
      this.#markerDone = this.#bus.confirm(msg.reply, ACK, { timeoutMs: TIMEOUT_MS });
      return;
    }
    this.lastStreamSeq = Number(msg.reply.split('.')[STREAM_SEQ]);
    const decoded = decodeDurableEvent(msg.data);
    if (decoded !== undefined) {
      this.events.push(JSON.parse(Buffer.from(decoded.body).toString()));
    }
    if (this.acknowledges) msg.respond('+ACK');
    else this.unacked.push(msg);
  }
}

/** Asks a router, and waits longer for the answer than an edge does. */
export function ask<Op extends keyof RouterOps>(
  bus: Bus,
  request: RouterRequestOf<Op>,
  router = ROUTER,
): Promise<RouterOps[Op][1]> {
  return createAskRouter(bus, TIMEOUT_MS)(router, request);
}

export function letter(
  conversationId: ConversationId,
  userId: UserId,
  rest: Partial<MessageInput> = {},
): MessageInput {
  return {
    user_id: userId,
    conversation_id: conversationId,
    client_msg_id: newId<string>(),
    content: 'Namaste',
    ...rest,
  };
}

export function send(bus: Bus, input: MessageInput, router = ROUTER): Promise<MessageSent> {
  return ask(bus, { op: 'message', ...input }, router);
}

/** Waits until a router's `/readyz` is 200. */
export async function untilReady(adminPort: number): Promise<void> {
  const url = `http://127.0.0.1:${adminPort}/readyz`;
  await until('the router is ready', () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}

function partsOf(instance: string) {
  const options = { service: 'test', instance, level: 'silent', hashKey: 'test' };
  return { instance, logger: createLogger(options), metrics: createMetrics('test', instance) };
}

function addressOf(nats: Nats, instance: string): { url: string; nkeySeed: string } {
  const user = instance.startsWith('edge-') ? instance : instance.replace(/-\d+$/, '');
  return { url: nats.url, nkeySeed: nats.seeds[user] as string };
}

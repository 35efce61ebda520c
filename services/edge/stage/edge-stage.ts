import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import type { JetStreamManager, NatsConnection } from 'nats';
import { redisUrl, startNats, type TestNats } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import {
  type DurableEventHeader,
  encodeDurableEvent,
  encodeQueueMarker,
} from '../../../shared/contracts/events.ts';
import type {
  LateTake,
  RouterRequest,
  SessionOpened,
} from '../../../shared/contracts/router-ops.ts';
import { queueName, streams, subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { type Bus, connectBus } from '../../../shared/nats/bus.ts';
import { connectNats } from '../../../shared/nats/nats-connection.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import type { Config } from '../config.ts';
import { createEdge, type Edge } from '../edge.ts';
import { type Client, type ConnectOptions, connectClient } from './client.ts';
import { ScriptedErasures } from './scripted-erasures.ts';

const SECRET = 'a secret of a test, long enough for HS256';
/** The edges of the stage know these tokens of services. */
export const SERVICE_TOKENS = [
  'one-token-of-a-service-for-a-test',
  'another-token-of-a-service-there',
];
const STREAM = streams.queue(0);
/**
 * The queues of the stage send an unacknowledged event again after this time. It is longer than any
 * wait of a test, so an event that comes again was put back by an edge.
 */
const ACK_WAIT_NS = 30_000_000_000;

/** A scripted router answers by these functions. A test replaces those that it is about. */
type Script = {
  [Op in RouterRequest['op']]?: (
    request: Extract<RouterRequest, { op: Op }>,
  ) => Promise<unknown> | unknown;
};

type ScriptedRouter = {
  bus: Bus;
  script: Script;
  requests: RouterRequest[];
  count(op: RouterRequest['op']): number;
  /** Returns the newest request of this kind. An edge may send others at any time. */
  last(op: RouterRequest['op']): RouterRequest | undefined;
  /** Returns what edges reported as delivered in a conversation. */
  reported(conversationId: ConversationId): unknown[];
  /** Returns what edges reported as taken late by a user. */
  takenLate(userId: UserId): LateTake[];
  leave(): Promise<void>;
};

type Servers = { nats: TestNats; setup: NatsConnection; jsm: JetStreamManager; redis: string };

/**
 * The stage has real NATS with one stream of events, edges, and the routers that a test scripts.
 */
class Stage {
  readonly nats: TestNats;
  readonly #setup: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #redisUrl: string;
  readonly #closers: (() => Promise<void>)[] = [];
  #epoch = 0;

  constructor({ nats, setup, jsm, redis }: Servers) {
    this.nats = nats;
    this.#setup = setup;
    this.#jsm = jsm;
    this.#redisUrl = redis;
  }

  /** Starts an edge and resolves once it is ready; a router must have been started. */
  async startEdge(instance = 'edge-1', changes: Partial<Config> = {}): Promise<Edge> {
    const edge = await this.launchEdge(instance, changes);
    await until('the service is ready', async () => (await fetch(readyzOf(edge))).ok);
    return edge;
  }

  /** Starts an edge that may not become ready. */
  async launchEdge(instance: string, changes: Partial<Config> = {}): Promise<Edge> {
    await this.serveErased();
    const { logger, metrics } = parts(instance);
    const edge = await createEdge({ ...this.#config(instance), ...changes }, { logger, metrics });
    this.#closers.push(() => edge.close());
    return edge;
  }

  /** Starts a router that sends a heartbeat each second, and answers by its script. */
  async startRouter(instance = 'router-1'): Promise<ScriptedRouter> {
    const bus = await this.busOf(instance);
    const requests: RouterRequest[] = [];
    const script: Script = {
      'session.open': (request) => this.openQueue(request),
      taken_late: () => undefined,
      'agents.presence': () => undefined,
    };
    const server = bus.serve(
      { subject: subjects.router(instance), concurrencyMax: 1_000 },
      (body) => {
        const request = body as RouterRequest;
        requests.push(request);
        const answer = script[request.op] as ((r: RouterRequest) => unknown) | undefined;
        if (answer === undefined) throw new KahaError('INTERNAL', 'not scripted');
        return answer(request);
      },
    );
    const beat = (): boolean => bus.publish(subjects.routerAlive, JSON.stringify({ instance }));
    bus.subscribe(subjects.routerWho, beat);
    const timer = setInterval(beat, 1_000);
    beat();
    await bus.nc.flush();
    let isGone = false;
    const leave = async (): Promise<void> => {
      if (isGone) return;
      isGone = true;
      clearInterval(timer);
      await server.drain();
      await bus.close();
    };
    this.#closers.push(leave);
    const count = (op: RouterRequest['op']): number =>
      requests.filter((request) => request.op === op).length;
    const last = (op: RouterRequest['op']): RouterRequest | undefined =>
      requests.filter((request) => request.op === op).at(-1);
    const reported = (conversationId: ConversationId): unknown[] =>
      requests
        .flatMap((request) => (request.op === 'delivered' ? request.items : []))
        .filter(([id]) => id === conversationId);
    const takenLate = (userId: UserId): LateTake[] =>
      requests
        .flatMap((request) => (request.op === 'taken_late' ? request.items : []))
        .filter(([, id]) => id === userId);
    return { bus, script, requests, count, last, reported, takenLate, leave };
  }

  /** Makes the device queue if there is none, as a router does. */
  async openQueue(
    { user_id: userId, device_id: deviceId }: { user_id: UserId; device_id: string },
    unackedMax = 256,
    ackWaitNs = ACK_WAIT_NS,
  ): Promise<SessionOpened> {
    this.#epoch += 1;
    const epoch = this.#epoch;
    const name = queueName(userId, deviceId);
    this.#devices.set(userId, (this.#devices.get(userId) ?? new Set()).add(deviceId));
    const exists = await this.#jsm.consumers.info(STREAM, name).then(
      () => true,
      () => false,
    );
    if (exists) return { resumed: true, epoch };
    await this.#jsm.consumers.add(STREAM, {
      durable_name: name,
      deliver_subject: subjects.deliver(userId, deviceId),
      filter_subject: subjects.queue(userId, deviceId, 1),
      deliver_policy: 'new' as never,
      ack_policy: 'explicit' as never,
      ack_wait: ackWaitNs,
      max_ack_pending: unackedMax,
    });
    return { resumed: false, epoch };
  }

  /** Does the same, and puts a marker into the new queue. */
  async openMarkedQueue(
    request: { user_id: UserId; device_id: string },
    ackWaitNs = ACK_WAIT_NS,
  ): Promise<SessionOpened> {
    const opened = await this.openQueue(request, 256, ackWaitNs);
    const isNew = 'resumed' in opened && !opened.resumed;
    if (isNew) await this.mark(request.user_id, request.device_id);
    return opened;
  }

  /** Puts a marker into the queue of a device. */
  async mark(userId: UserId, deviceId = 'phone'): Promise<void> {
    const id = newId<EventId>();
    const bus = await this.#router();
    const subject = subjects.queue(userId, deviceId, 1);
    await bus.jetPublish(subject, encodeQueueMarker(id), { msgId: id, timeoutMs: 5_000 });
  }

  async deleteQueue(userId: UserId, deviceId: string): Promise<void> {
    await this.#jsm.consumers.delete(STREAM, queueName(userId, deviceId));
  }

  /**
   * Counts the events that the queue has sent without acknowledgement, how many of them it has sent
   * again, and those not sent. `isHeld` says whether an edge takes from the queue.
   */
  async queue(userId: UserId, deviceId = 'phone') {
    const info = await this.#jsm.consumers.info(STREAM, queueName(userId, deviceId));
    const { num_ack_pending: unacked, num_redelivered: repeated, num_pending: unsent } = info;
    return { unacked, repeated, unsent, isHeld: info.push_bound === true };
  }

  /** Puts an event into the queues of all devices of a user. */
  async enqueue(
    userId: UserId,
    event: Record<string, unknown>,
    header: Partial<DurableEventHeader> = {},
  ): Promise<void> {
    const full = headerOf(header);
    const payload = encodeDurableEvent(full, JSON.stringify({ type: full.kind, ...event }));
    const bus = await this.#router();
    for (const deviceId of this.#devices.get(userId) ?? []) {
      const options = { msgId: `${full.eventId}:${deviceId}`, timeoutMs: 5_000 };
      await bus.jetPublish(subjects.queue(userId, deviceId, 1), payload, options);
    }
  }

  /**
   * Offers an event to a device, as a router does. Returns the answer, or `free` where nobody is
   * there.
   */
  async offer(
    { userId, deviceId = 'phone' }: { userId: UserId; deviceId?: string },
    event: Record<string, unknown>,
    header: Partial<DurableEventHeader> = {},
  ): Promise<string> {
    const full = headerOf(header);
    const payload = encodeDurableEvent(full, JSON.stringify({ type: full.kind, ...event }));
    const bus = await this.#router();
    this.#offers ??= bus.mux(subjects.answers('router-99'));
    const subject = subjects.device(userId, deviceId);
    try {
      const answer = await this.#offers.ask({ subject, payload, timeoutMs: 5_000 });
      return answer.string().split(' ', 1).join();
    } catch (error) {
      if (KahaError.from(error).noResponders) return 'free';
      throw error;
    }
  }

  async busOf(instance: string): Promise<Bus> {
    const { logger, metrics } = parts(instance);
    const user = instance.startsWith('edge-') ? instance : instance.replace(/-\d+$/, '');
    const nkeySeed = this.nats.seeds[user] as string;
    const bus = await connectBus({ url: this.nats.url, nkeySeed, instance, logger, metrics });
    this.#closers.push(() => bus.close());
    return bus;
  }

  connect(edge: Edge, options: ConnectOptions = {}): Promise<Client> {
    return connectClient(edge.port, options);
  }

  /**
   * Returns a client whose session is open: `auth_ok` is read, and the session takes from its
   * queue. Where the queue is new, the replay is over and acknowledged, and `q` counts from there.
   */
  async open(edge: Edge, userId: UserId, deviceId = 'phone'): Promise<Client> {
    const headers = {
      authorization: `Bearer ${await tokenOf(userId)}`,
      'x-device-id': deviceId,
    };
    const client = await this.connect(edge, { headers });
    const { resumed } = await client.next('auth_ok');
    if (resumed === false) {
      const { q } = await client.seen('replay_end');
      client.send({ type: 'ack', q });
      client.countFrom(q as number);
    }
    await until(
      'the session takes from its queue',
      async () => (await this.queue(userId, deviceId)).isHeld,
    );
    return client;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    await this.#setup.close();
    await this.nats.stop();
  }

  /** Says who was erased, as store does. */
  readonly erasures = new ScriptedErasures();
  #serving: Promise<void> | undefined;

  /** Lets edges become ready, of which none is before store has told it who was erased. */
  serveErased(): Promise<void> {
    this.#serving ??= this.busOf('store-1').then((bus) => this.erasures.serve(bus));
    return this.#serving;
  }

  /** These devices of the users have had a queue. */
  readonly #devices = new Map<UserId, Set<string>>();
  #offers: ReplyMux | undefined;
  #publisher: Promise<Bus> | undefined;
  #router(): Promise<Bus> {
    this.#publisher ??= this.busOf('router-99');
    return this.#publisher;
  }

  #config(instance: string): Config {
    return {
      instance,
      nats: { url: this.nats.url, nkeySeed: this.nats.seeds[instance] as string },
      admin: { host: '127.0.0.1', port: 0 },
      log: { level: 'silent', hashKey: 'k' },
      host: '127.0.0.1',
      port: 0,
      redisUrl: this.#redisUrl,
      token: {
        key: { kind: 'secret', secret: SECRET },
        algorithms: ['HS256'],
        issuer: undefined,
        audience: undefined,
      },
      serviceTokens: SERVICE_TOKENS,
      allowedOrigins: ['http://localhost:*', 'https://app.example'],
      page: { isServed: false, loginUrl: undefined },
      push: { publicKey: undefined, endpoints: 'public' },
      connections: { max: 2_000, closingMax: Infinity },
      admissionRatePerS: 2_000,
      drainMs: 500,
      drainReconnectMs: 100,
    };
  }
}

export async function setStage(): Promise<Stage> {
  const nats = await startNats();
  const setup = await connectNats({
    url: nats.url,
    nkeySeed: nats.seeds.setup as string,
    natsUser: 'setup',
    instance: 'setup',
  });
  const jsm = await setup.jetstreamManager();
  await jsm.streams.add({
    name: STREAM,
    subjects: [streams.queueSubjects(0)],
    retention: 'interest' as never,
    max_consumers: 1_000,
  });
  return new Stage({ nats, setup, jsm, redis: await redisUrl() });
}

export function readyzOf(edge: Edge): string {
  return `http://127.0.0.1:${edge.adminPort}/readyz`;
}

export function metricsOf(edge: Edge): string {
  return `http://127.0.0.1:${edge.adminPort}/metrics`;
}

/** Returns a token of the user; `changes` overrule its claims. */
export function tokenOf(userId: UserId | string, changes: Record<string, unknown> = {}) {
  const claims = { sub: userId, jti: randomBytes(4).toString('hex'), ...changes };
  const jwt = new SignJWT(claims).setProtectedHeader({ alg: 'HS256' });
  if (!('exp' in changes)) jwt.setExpirationTime('1h');
  return jwt.sign(new TextEncoder().encode(SECRET));
}

function headerOf(header: Partial<DurableEventHeader>): DurableEventHeader {
  return {
    kind: 'message',
    eventId: newId<EventId>(),
    conversationId: newId<ConversationId>(),
    seq: 1,
    senderId: newId<UserId>(),
    isNameless: false,
    ...header,
  };
}

function parts(instance: string) {
  return {
    logger: createLogger({ service: 't', instance, level: 'silent', hashKey: 'k' }),
    metrics: createMetrics('test', instance),
  };
}

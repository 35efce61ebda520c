import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import { Gate } from '../../../shared/concurrency/gate.ts';
import { shardOf, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import type { DeviceHolders } from './device-holders.ts';
import type { Device, KnownQueues } from './known-queues.ts';
import type { QueueApi, QueueInfo } from './queue-api.ts';
import { toMakeRoom } from './queue-depths.ts';
import {
  type Candidate,
  type LastSeen,
  longestUnused,
  QUEUES_MAX,
  type QueueUse,
} from './queue-eviction.ts';

/** A creation costs the server 0.25-0.6 ms. With few at a time it has time left for messages. */
const CREATIONS = { concurrencyMax: 16, waitingMax: 4_000, retryAfterS: 2 };
/** A shard whose messages differ much in size may not have its room after the first round. */
const ROUNDS_MAX = 3;

type Deps = {
  store: AskStore;
  api: QueueApi;
  shards: number;
  known: KnownQueues;
  holders: DeviceHolders;
  /**
   * Tells the other routers of a queue before it exists, because they offer events only to known
   * devices.
   */
  announce: (device: Device) => void;
  /** Puts a marker into the device's queue. Rejects with a KahaError if it may not be there. */
  putMarker: (device: Device) => Promise<void>;
  /** Tells the device's session, if it has one anywhere, that its queue is void. */
  signalResync: (device: Device) => void;
  metrics: RouterMetrics;
  logger: Logger;
};

type CreationChecks = {
  /** Runs before the queue is made. */
  checkDeadline: () => void;
  /** Runs once the queue is there. */
  checkMade: () => Promise<void>;
};

/** Makes and deletes device queues, and keeps what is known of them true. */
export class DeviceQueues {
  readonly #deps: Deps;
  readonly #creations = new Gate(CREATIONS);
  readonly #makingRoom = new Map<number, Promise<void>>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get creating(): number {
    return this.#creations.inside + this.#creations.waiting;
  }

  /**
   * Creates the device's queue once few enough creations run, and puts the marker into it. Each
   * check throws if nobody wants the queue any more. No session resumes on a queue that `checkMade`
   * has not passed, because there is no marker in it.
   */
  async create(device: Device, { checkDeadline, checkMade }: CreationChecks): Promise<void> {
    const { api, known, announce, putMarker, metrics } = this.#deps;
    await this.#creations.run(async () => {
      checkDeadline();
      // Announcement and creation use one connection, so all routers on the same server know of the
      // queue before it exists.
      announce(device);
      await api.create(device);
      // The queue may have been deleted already, because the advisory of that can overtake this
      // answer. Then the router looks for the queue, and this answer is too old to decide anything.
      if (!known.isDoubted(device)) known.add(device);
      metrics.queuesCreated.inc();
    });
    await checkMade();
    await putMarker(device);
    known.mark(device);
  }

  /**
   * Tells whether the device was told of its queue, or will be by the marker that is in it. If the
   * router that made the queue died before the marker was in, nobody has acknowledged anything,
   * because no session has been opened on the queue.
   */
  async isMarked(device: Device): Promise<boolean> {
    const { known } = this.#deps;
    if (known.isMarked(device)) return true;
    const info = await this.look(device);
    if (info === undefined || info.ack_floor.consumer_seq === 0) return false;
    known.mark(device);
    return true;
  }

  async delete(
    device: Device,
    reason: 'resync' | 'unmarked' | 'evicted' | 'void' | 'signed_out' | 'erased',
  ): Promise<void> {
    const { api, known, metrics } = this.#deps;
    known.doubt(device);
    try {
      const existed = await api.delete(device);
      // The router does not forget a queue that another router has announced meanwhile.
      if (known.isDoubted(device)) known.remove(device);
      if (existed) metrics.queuesDeleted.inc({ reason });
    } catch (error) {
      if (known.isDoubted(device)) known.add(device);
      throw error;
    }
  }

  /**
   * Makes room for one more queue. Returns false if the user has 10 connected devices. It throws,
   * and deletes nothing, if store cannot tell when the other devices were there.
   */
  async makeRoom(userId: UserId, deadlineAt: number): Promise<boolean> {
    if (this.#deps.known.devicesOf(userId).length < QUEUES_MAX) return true;
    const queues = await this.#candidates(userId);
    if (queues.length < QUEUES_MAX) return true;
    if (queues.every(({ isHeld }) => isHeld)) return false;
    const lastSeen = await this.#lastSeen(userId, deadlineAt);
    while (queues.length >= QUEUES_MAX) {
      const deviceId = longestUnused(queues, lastSeen);
      if (deviceId === undefined) return false;
      await this.delete({ userId, deviceId }, 'evicted');
      queues.splice(
        queues.findIndex((queue) => queue.deviceId === deviceId),
        1,
      );
    }
    return true;
  }

  /** Deletes a queue that may be incomplete, and tells its device to start anew. */
  async void(device: Device): Promise<void> {
    const { signalResync, metrics, logger } = this.#deps;
    await this.delete(device, 'void');
    signalResync(device);
    metrics.queuesVoided.inc();
    logger.warn({ device: device.deviceId, user: device.userId }, 'queue voided');
  }

  /**
   * Voids the deepest queues of the shard that the device's queue is in, until a tenth of the shard
   * is free.
   */
  async makeRoomBeside({ userId }: Device): Promise<void> {
    const shard = shardOf(userId, this.#deps.shards);
    const running = this.#makingRoom.get(shard) ?? this.#makeRoomIn(shard);
    this.#makingRoom.set(shard, running);
    await running;
  }

  async voidUser(userId: UserId): Promise<void> {
    const devices = this.#deps.known.devicesOf(userId);
    await Promise.all(devices.map((deviceId) => this.void({ userId, deviceId })));
  }

  async #makeRoomIn(shard: number): Promise<void> {
    const { api, logger } = this.#deps;
    try {
      for (let round = 0; round < ROUNDS_MAX; round += 1) {
        const deepest = toMakeRoom(await api.shardInfo(shard, { perSubject: true }));
        if (deepest.length === 0) return;
        logger.warn({ shard, queues: deepest.length }, 'shard full');
        await forEachBounded(deepest, CREATIONS.concurrencyMax, (device) => this.void(device));
      }
    } finally {
      this.#makingRoom.delete(shard);
    }
  }

  /** Returns what JetStream says of the device's queue, and forgets a queue that is gone. */
  async look(device: Device): Promise<QueueInfo | undefined> {
    const { api, known } = this.#deps;
    known.doubt(device);
    try {
      const info = await api.info(device);
      // A queue that is just being made need not exist yet, so the router keeps it.
      if (info === undefined && known.isDoubted(device)) known.remove(device);
      return info;
    } finally {
      if (known.isDoubted(device)) known.add(device);
    }
  }

  async #lastSeen(userId: UserId, deadlineAt: number): Promise<LastSeen> {
    const { store, metrics } = this.#deps;
    try {
      const { devices } = await store('devices.of', { user_id: userId }, { deadlineAt });
      return new Map(devices.map(({ device_id, last_seen_at }) => [device_id, last_seen_at]));
    } catch (error) {
      metrics.evictionsPutOff.inc();
      throw error;
    }
  }

  async #candidates(userId: UserId): Promise<Candidate[]> {
    const { holders } = this.#deps;
    return Promise.all(
      (await this.#use(userId)).map(async (use) => {
        const isHeld = await holders.isHeld({ userId, deviceId: use.deviceId });
        return { ...use, isHeld };
      }),
    );
  }

  /** Returns how the user's queues are used, and forgets queues that are gone. */
  async #use(userId: UserId): Promise<QueueUse[]> {
    const uses = await Promise.all(
      this.#deps.known.devicesOf(userId).map(async (deviceId) => {
        const info = await this.look({ userId, deviceId });
        return info && { deviceId, info };
      }),
    );
    return uses.filter((use) => use !== undefined);
  }
}

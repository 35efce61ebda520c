import { Gate } from '../../../shared/concurrency/gate.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import type { DeviceHolders } from '../sessions/device-holders.ts';
import type { Device, KnownQueues } from './known-queues.ts';
import type { QueueApi } from './queue-api.ts';
import { type Candidate, longestUnused, QUEUES_MAX, type QueueUse } from './queue-eviction.ts';
import { tooDeep } from './queue-verdict.ts';

/** A create costs the server 0.25-0.6 ms; few at a time keep it for messages. */
const CREATIONS = { concurrencyMax: 16, waitingMax: 4_000, retryAfterS: 2 };

type Deps = {
  api: QueueApi;
  known: KnownQueues;
  holders: DeviceHolders;
  /** Tells the other routers before the queue exists: they offer events to known devices. */
  announce: (device: Device) => void;
  /** Tells the device's session, if it has one anywhere, that its queue is void. */
  signalResync: (device: Device) => void;
  metrics: RouterMetrics;
  logger: Logger;
};

/** Makes and deletes device queues, and keeps what is known of them true. */
export class DeviceQueues {
  readonly #deps: Deps;
  readonly #creations = new Gate(CREATIONS);
  readonly #voidings = new Map<UserId, Promise<void>>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get creating(): number {
    return this.#creations.inside + this.#creations.waiting;
  }

  /** Waits for a place; `checkDeadline` throws where nobody waits for it any more. */
  create(device: Device, checkDeadline: () => void): Promise<void> {
    const { api, known, announce, metrics } = this.#deps;
    return this.#creations.run(async () => {
      checkDeadline();
      // Before, on one connection: on one server all routers know of it before it is there.
      announce(device);
      await api.create(device);
      known.add(device);
      metrics.queuesCreated.inc();
    });
  }

  async delete(device: Device, reason: 'resync' | 'evicted' | 'void'): Promise<void> {
    const { api, known, metrics } = this.#deps;
    const existed = await api.delete(device);
    known.remove(device);
    if (existed) metrics.queuesDeleted.inc({ reason });
  }

  /** False where the user has 10 queues and all are connected. */
  async makeRoom(userId: UserId): Promise<boolean> {
    if (this.#deps.known.devicesOf(userId).length < QUEUES_MAX) return true;
    const queues = await this.#candidates(userId);
    while (queues.length >= QUEUES_MAX) {
      const deviceId = longestUnused(queues);
      if (deviceId === undefined) return false;
      await this.delete({ userId, deviceId }, 'evicted');
      queues.splice(
        queues.findIndex((queue) => queue.deviceId === deviceId),
        1,
      );
    }
    return true;
  }

  /** The queue may be incomplete: it goes, and the device is told to start anew. */
  async void(device: Device): Promise<void> {
    const { signalResync, metrics, logger } = this.#deps;
    await this.delete(device, 'void');
    signalResync(device);
    metrics.queuesVoided.inc();
    logger.warn({ device: device.deviceId, user: device.userId }, 'queue voided');
  }

  /** Voids the queues that hold the user's subject full; the other devices go on. */
  voidDeep(userId: UserId): Promise<void> {
    const running = this.#voidings.get(userId) ?? this.#voidDeep(userId);
    this.#voidings.set(userId, running);
    return running;
  }

  async voidUser(userId: UserId): Promise<void> {
    const devices = this.#deps.known.devicesOf(userId);
    await Promise.all(devices.map((deviceId) => this.void({ userId, deviceId })));
  }

  async #voidDeep(userId: UserId): Promise<void> {
    try {
      const deviceIds = tooDeep(await this.#use(userId));
      await Promise.all(deviceIds.map((deviceId) => this.void({ userId, deviceId })));
    } finally {
      this.#voidings.delete(userId);
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

  /** How the user's queues are used; those that are gone are forgotten. */
  async #use(userId: UserId): Promise<QueueUse[]> {
    const { api, known } = this.#deps;
    const uses = await Promise.all(
      known.devicesOf(userId).map(async (deviceId) => {
        const info = await api.info({ userId, deviceId });
        const device = { userId, deviceId };
        // One that is just being made is not there yet.
        if (info === undefined && known.has(device)) known.remove(device);
        return info && { deviceId, info };
      }),
    );
    return uses.filter((use) => use !== undefined);
  }
}

import { shardOf, type UserId } from '../../shared/ids.ts';
import { durableName, parseDurableName } from '../../shared/subjects.ts';

export type Device = { userId: UserId; deviceId: string };

type Shard = {
  devices: Map<UserId, Set<string>>;
  /** While the names are being read: what came or went meanwhile, which a page may not show. */
  changed: Set<string> | undefined;
};

/**
 * Which device queues exist, as far as this router has heard: filled from the names of all shards,
 * kept by advisories in between. ~150 bytes a device.
 */
export class KnownQueues {
  readonly #shards: Shard[];
  #size = 0;

  constructor(shards: number) {
    this.#shards = Array.from({ length: shards }, () => ({
      devices: new Map(),
      changed: undefined,
    }));
  }

  get size(): number {
    return this.#size;
  }

  has({ userId, deviceId }: Device): boolean {
    return this.#shardOf(userId).devices.get(userId)?.has(deviceId) ?? false;
  }

  devicesOf(userId: UserId): string[] {
    return [...(this.#shardOf(userId).devices.get(userId) ?? [])];
  }

  usersOf(shard: number): UserId[] {
    return [...(this.#shards[shard]?.devices.keys() ?? [])];
  }

  add(device: Device): void {
    const shard = this.#shardOf(device.userId);
    shard.changed?.add(durableName(device.userId, device.deviceId));
    this.#put(shard, device);
  }

  remove(device: Device): void {
    const shard = this.#shardOf(device.userId);
    shard.changed?.add(durableName(device.userId, device.deviceId));
    this.#drop(shard, device);
  }

  /** Call before the names of a shard are read. */
  beginRead(index: number): void {
    const shard = this.#shards[index];
    if (shard !== undefined) shard.changed = new Set();
  }

  /**
   * Makes the shard agree with the names read; what changed since `beginRead` is left as it is.
   * Returns the queues that have vanished unheard. `undefined`: the names could not be read.
   */
  endRead(index: number, names: ReadonlySet<string> | undefined): Device[] {
    const shard = this.#shards[index];
    if (shard === undefined) return [];
    const changed = shard.changed ?? new Set();
    shard.changed = undefined;
    if (names === undefined) return [];
    const vanished = [...devicesIn(shard)].filter(({ userId, deviceId }) => {
      const name = durableName(userId, deviceId);
      return !names.has(name) && !changed.has(name);
    });
    for (const device of vanished) this.#drop(shard, device);
    for (const name of names) {
      const device = parseDurableName(name);
      if (device !== undefined && !changed.has(name)) this.#put(shard, device);
    }
    return vanished;
  }

  #shardOf(userId: UserId): Shard {
    return this.#shards[shardOf(userId, this.#shards.length)] as Shard;
  }

  #put({ devices }: Shard, { userId, deviceId }: Device): void {
    const own = devices.get(userId);
    if (own?.has(deviceId)) return;
    if (own === undefined) devices.set(userId, new Set([deviceId]));
    else own.add(deviceId);
    this.#size += 1;
  }

  #drop({ devices }: Shard, { userId, deviceId }: Device): void {
    const own = devices.get(userId);
    if (!own?.delete(deviceId)) return;
    this.#size -= 1;
    if (own.size === 0) devices.delete(userId);
  }
}

function* devicesIn({ devices }: Shard): Generator<Device> {
  for (const [userId, own] of devices) for (const deviceId of own) yield { userId, deviceId };
}

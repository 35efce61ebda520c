import { durableName, parseDurableName } from '../../../shared/contracts/subjects.ts';
import { shardOf, type UserId } from '../../../shared/ids.ts';

export type Device = { userId: UserId; deviceId: string };

/**
 * `expected`: its queue is being made; `late`: and a read has not found it; `doubted`: one was
 * deleted, which may be another than the one that is there now.
 */
type State = 'made' | 'expected' | 'late' | 'doubted';

type Shard = {
  devices: Map<UserId, Map<string, State>>;
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
    return this.#shardOf(userId).devices.get(userId)?.get(deviceId) === 'made';
  }

  /** Those that may have a queue too: to ask one too many costs less than to miss one. */
  devicesOf(userId: UserId): string[] {
    return [...(this.#shardOf(userId).devices.get(userId)?.keys() ?? [])];
  }

  usersOf(shard: number): UserId[] {
    return [...(this.#shards[shard]?.devices.keys() ?? [])];
  }

  add(device: Device): void {
    const shard = this.#shardOf(device.userId);
    shard.changed?.add(durableName(device.userId, device.deviceId));
    this.#put(shard, device, 'made');
  }

  /** Its queue is being made: it may miss nothing from now on, and need not be there yet. */
  expect(device: Device): void {
    const shard = this.#shardOf(device.userId);
    shard.changed?.add(durableName(device.userId, device.deviceId));
    if (!this.has(device)) this.#put(shard, device, 'expected');
  }

  /** A queue of it was deleted: `remove` or `add` is to follow, see `isDoubted`. */
  doubt(device: Device): void {
    const shard = this.#shardOf(device.userId);
    shard.changed?.add(durableName(device.userId, device.deviceId));
    if (this.has(device)) this.#put(shard, device, 'doubted');
  }

  /** False where it has been heard of since. */
  isDoubted({ userId, deviceId }: Device): boolean {
    return this.#shardOf(userId).devices.get(userId)?.get(deviceId) === 'doubted';
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
   * Those that the names read do not hold; a page may have missed one. One that is expected has
   * until the next read.
   */
  missing(index: number, names: ReadonlySet<string>): Device[] {
    const shard = this.#shards[index];
    if (shard === undefined) return [];
    return [...devicesIn(shard)].filter((device) => {
      const name = durableName(device.userId, device.deviceId);
      if (names.has(name) || shard.changed?.has(name)) return false;
      const isExpected = shard.devices.get(device.userId)?.get(device.deviceId) === 'expected';
      if (isExpected) this.#put(shard, device, 'late');
      return !isExpected;
    });
  }

  /**
   * Makes the shard agree with the names read, without those that are `gone`; what changed since
   * `beginRead` is left as it is. `appeared` nobody had told us of, `vanished` had been made.
   */
  endRead(index: number, names: ReadonlySet<string>, gone: readonly Device[]) {
    const shard = this.#shards[index] as Shard;
    const changed = shard.changed ?? new Set();
    shard.changed = undefined;
    const vanished: Device[] = [];
    for (const device of gone) {
      if (changed.has(durableName(device.userId, device.deviceId))) continue;
      if (this.has(device) || this.isDoubted(device)) vanished.push(device);
      this.#drop(shard, device);
    }
    const appeared: Device[] = [];
    for (const name of names) {
      const device = parseDurableName(name);
      if (device === undefined || changed.has(name) || this.has(device)) continue;
      const isUnheardOf = !this.devicesOf(device.userId).includes(device.deviceId);
      this.#put(shard, device, 'made');
      if (isUnheardOf) appeared.push(device);
    }
    return { appeared, vanished };
  }

  #shardOf(userId: UserId): Shard {
    return this.#shards[shardOf(userId, this.#shards.length)] as Shard;
  }

  #put({ devices }: Shard, { userId, deviceId }: Device, state: State): void {
    const own = devices.get(userId);
    if (own === undefined) {
      devices.set(userId, new Map([[deviceId, state]]));
      this.#size += 1;
      return;
    }
    if (!own.has(deviceId)) this.#size += 1;
    own.set(deviceId, state);
  }

  #drop({ devices }: Shard, { userId, deviceId }: Device): void {
    const own = devices.get(userId);
    if (!own?.delete(deviceId)) return;
    this.#size -= 1;
    if (own.size === 0) devices.delete(userId);
  }
}

function* devicesIn({ devices }: Shard): Generator<Device> {
  for (const [userId, own] of devices)
    for (const deviceId of own.keys()) yield { userId, deviceId };
}

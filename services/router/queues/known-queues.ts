import { parseQueueName, queueName } from '../../../shared/contracts/subjects.ts';
import { shardOf, type UserId } from '../../../shared/ids.ts';

export type Device = { userId: UserId; deviceId: string };

/**
 * `made` means that the queue exists. `marked` means more: its device was told of it, or will be by
 * the marker that is in it. `expected` means that it is being made. `late` means that it is being
 * made, and that one read of the names has not found it. `doubted` means that a queue of the device
 * was deleted, though a newer one may exist now.
 */
type State = 'marked' | 'made' | 'expected' | 'late' | 'doubted';

type Shard = {
  devices: Map<UserId, Map<string, State>>;
  /**
   * While names are being read, this set holds queues that came or went, which a page may not show.
   */
  changed: Set<string> | undefined;
};

/**
 * Knows which device queues exist, as far as this router has heard. Reads of the names in all
 * shards fill it, and advisories keep it true in between. A device takes ~150 bytes.
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

  has(device: Device): boolean {
    const state = this.#stateOf(device);
    return state === 'made' || state === 'marked';
  }

  isMarked(device: Device): boolean {
    return this.#stateOf(device) === 'marked';
  }

  /** Tells whether the device has a queue or may have one. */
  mayExist({ userId, deviceId }: Device): boolean {
    return this.#shardOf(userId).devices.get(userId)?.has(deviceId) === true;
  }

  /**
   * Returns the devices that have a queue or may have one. Asking one device too many costs less
   * than missing one.
   */
  devicesOf(userId: UserId): string[] {
    return [...(this.#shardOf(userId).devices.get(userId)?.keys() ?? [])];
  }

  devicesIn(shard: number): Device[] {
    const known = this.#shards[shard];
    return known === undefined ? [] : [...devicesIn(known)];
  }

  /** Notes that the device's queue exists. A queue that is known as marked stays so. */
  add(device: Device): void {
    const shard = this.#shardOf(device.userId);
    shard.changed?.add(queueName(device.userId, device.deviceId));
    if (!this.isMarked(device)) this.#put(shard, device, 'made');
  }

  /** Notes that the queue is marked, if it is known and has not been deleted meanwhile. */
  mark(device: Device): void {
    if (this.has(device)) this.#put(this.#shardOf(device.userId), device, 'marked');
  }

  /**
   * Notes that the device's queue is being made. The queue may miss no event from now on, and need
   * not exist yet. A queue of the device that the router knew until now is another one, so what is
   * heard of its end does not concern this one.
   */
  expect(device: Device): void {
    const shard = this.#shardOf(device.userId);
    shard.changed?.add(queueName(device.userId, device.deviceId));
    this.#put(shard, device, 'expected');
  }

  /**
   * Notes that the device's queue may be deleted. If `isDoubted` still holds once the caller knows,
   * it calls `remove` or `add`. Otherwise the router has heard of a queue that was made since.
   */
  doubt(device: Device): void {
    const shard = this.#shardOf(device.userId);
    shard.changed?.add(queueName(device.userId, device.deviceId));
    if (this.has(device)) this.#put(shard, device, 'doubted');
  }

  /** Returns false if the router has heard of the device since `doubt`. */
  isDoubted(device: Device): boolean {
    return this.#stateOf(device) === 'doubted';
  }

  remove(device: Device): void {
    const shard = this.#shardOf(device.userId);
    shard.changed?.add(queueName(device.userId, device.deviceId));
    this.#drop(shard, device);
  }

  /** Begins a read of a shard's names. Call it before the first page is read. */
  beginRead(index: number): void {
    const shard = this.#shards[index];
    if (shard !== undefined) shard.changed = new Set();
  }

  /**
   * Returns the known devices whose queue is not among the names that were read, although a page
   * may have missed it. An expected queue is missing only if the next read does not find it either.
   */
  missing(index: number, names: ReadonlySet<string>): Device[] {
    const shard = this.#shards[index];
    if (shard === undefined) return [];
    return [...devicesIn(shard)].filter((device) => {
      const name = queueName(device.userId, device.deviceId);
      if (names.has(name) || shard.changed?.has(name)) return false;
      const isExpected = shard.devices.get(device.userId)?.get(device.deviceId) === 'expected';
      if (isExpected) this.#put(shard, device, 'late');
      return !isExpected;
    });
  }

  /**
   * Makes the shard agree with the names that were read, and drops the devices that are `gone`. It
   * leaves alone what changed since `beginRead`. `appeared` holds queues that nobody had announced,
   * and `vanished` holds queues that had existed.
   */
  endRead(index: number, names: ReadonlySet<string>, gone: readonly Device[]) {
    const shard = this.#shards[index] as Shard;
    const changed = shard.changed ?? new Set();
    shard.changed = undefined;
    const vanished: Device[] = [];
    for (const device of gone) {
      if (changed.has(queueName(device.userId, device.deviceId))) continue;
      if (this.has(device) || this.isDoubted(device)) vanished.push(device);
      this.#drop(shard, device);
    }
    const appeared: Device[] = [];
    for (const name of names) {
      const device = parseQueueName(name);
      if (device === undefined || changed.has(name) || this.has(device)) continue;
      const isUnheardOf = !this.mayExist(device);
      this.#put(shard, device, 'made');
      if (isUnheardOf) appeared.push(device);
    }
    return { appeared, vanished };
  }

  #stateOf({ userId, deviceId }: Device): State | undefined {
    return this.#shardOf(userId).devices.get(userId)?.get(deviceId);
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

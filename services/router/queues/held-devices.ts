import { queueName, subjects } from '../../../shared/contracts/subjects.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { Device } from './known-queues.ts';

/** One message has at most this many names, 100 KB. */
const NAMES_MAX = 1_000;

/**
 * Tells all routers, this one too, which devices open a session now, and which have one according
 * to their edge. Names are gathered until the connection writes next, so a router tells of them
 * before it answers their edges. It is best effort: a device of which a router does not hear gets
 * its events from its queue for a minute.
 */
export class HeldDevices {
  readonly #bus: Bus;
  #names: string[] = [];

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  tell({ userId, deviceId }: Device): void {
    if (this.#names.length === 0) this.#bus.beforeWrite(() => this.#publish());
    this.#names.push(queueName(userId, deviceId));
    if (this.#names.length % NAMES_MAX === 0) this.#publish();
  }

  /** `listener` hears the queue names of the devices. */
  listen(listener: (name: string) => void): void {
    this.#bus.subscribe(subjects.queuesHeld, (msg) => {
      for (const name of msg.string().split('\n')) listener(name);
    });
  }

  #publish(): void {
    const names = this.#names;
    this.#names = [];
    if (names.length > 0) this.#bus.publish(subjects.queuesHeld, names.join('\n'));
  }
}

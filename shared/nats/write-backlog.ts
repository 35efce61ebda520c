import type { NatsConnection } from 'nats';
import { roomFor } from '../concurrency/budget.ts';
import { heapShare } from '../process/heap-share.ts';

/** These parts of the library are not public, so package.json pins its version. */
type Protocol = {
  outbound: { size(): number };
  transport?: { socket?: { writableLength: number } };
};

/** So many bytes may wait to be written to NATS. */
const WAITING_BYTES_MAX = heapShare(1 / 8, 64 * 1024 ** 2);

/**
 * Knows how many bytes wait in this process to be written to NATS. A frozen server takes nothing,
 * and the library would keep all that is published until it gives the connection up, 10 to 15 s
 * later. Whoever publishes asks `hasRoom` first. Acknowledgements, errors and live events are
 * small, and have room for longer than messages.
 */
export class WriteBacklog {
  readonly #protocol: Protocol;
  readonly #bytesMax: number;

  constructor(nc: NatsConnection, bytesMax = WAITING_BYTES_MAX) {
    this.#protocol = (nc as unknown as { protocol: Protocol }).protocol;
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    const { outbound, transport } = this.#protocol;
    return outbound.size() + (transport?.socket?.writableLength ?? 0);
  }

  /** Tells whether a payload of this many bytes may be published now. */
  hasRoom(bytes: number): boolean {
    return this.bytes + bytes <= roomFor(bytes, this.#bytesMax);
  }
}

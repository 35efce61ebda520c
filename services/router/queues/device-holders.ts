import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import type { Device } from './known-queues.ts';

/**
 * An edge that holds the device has this long to hand back the events that it has not acknowledged.
 */
const TIMEOUT_MS = 400;
const encoder = new TextEncoder();
const RELEASE = encoder.encode('release');
const HELD = encoder.encode('held');

/**
 * Asks the edges that hold devices. An edge with a session of a device listens on the device's
 * subject.
 */
export class DeviceHolders {
  readonly #mux: ReplyMux;
  readonly #metrics: RouterMetrics;

  /**
   * Answers must arrive on subjects below `answers.<instance>`, because edges may publish to these.
   */
  constructor(mux: ReplyMux, metrics: RouterMetrics) {
    this.#mux = mux;
    this.#metrics = metrics;
  }

  /**
   * Asks the device's edge to give it up. If no edge answers in time, the later epoch decides who
   * holds the device.
   */
  async release(device: Device): Promise<void> {
    const outcome = await this.#ask(device, RELEASE);
    this.#metrics.releases.inc({ outcome: outcome === 'answered' ? 'released' : outcome });
  }

  /** Tells whether an edge holds the device. An edge that does not answer in time may hold it. */
  async isHeld(device: Device): Promise<boolean> {
    return (await this.#ask(device, HELD)) !== 'free';
  }

  async #ask(
    { userId, deviceId }: Device,
    payload: Uint8Array,
  ): Promise<'answered' | 'free' | 'late'> {
    try {
      const subject = subjects.device(userId, deviceId);
      await this.#mux.ask({ subject, payload, timeoutMs: TIMEOUT_MS });
      return 'answered';
    } catch (error) {
      return KahaError.from(error).noResponders ? 'free' : 'late';
    }
  }
}

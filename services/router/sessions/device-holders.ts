import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import type { Device } from '../queues/known-queues.ts';
import type { RouterMetrics } from '../router-metrics.ts';

/** An edge that holds the device has this long to give back what it has not acknowledged. */
const TIMEOUT_MS = 400;
const encoder = new TextEncoder();
const RELEASE = encoder.encode('release');
const HELD = encoder.encode('held');

/** The edges that hold devices: who has a session of one listens on its subject. */
export class DeviceHolders {
  readonly #mux: ReplyMux;
  readonly #metrics: RouterMetrics;

  /** Replies come below `answers.<instance>`, which edges may publish to. */
  constructor(mux: ReplyMux, metrics: RouterMetrics) {
    this.#mux = mux;
    this.#metrics = metrics;
  }

  /** Asks to let go. Nobody there, or no answer in time: the later epoch settles it. */
  async release(device: Device): Promise<void> {
    const outcome = await this.#ask(device, RELEASE);
    this.#metrics.releases.inc({ outcome: outcome === 'answered' ? 'released' : outcome });
  }

  /** Whoever does not answer in time may hold it. */
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

import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import type { Device } from './known-queues.ts';

/**
 * An edge that holds the device has this long to hand back the events that it has not acknowledged:
 * it waits for the queue up to 200 ms, and for the confirmation of what it puts back up to 1 s. An
 * edge that is dead is known at once, and one that is frozen costs an opening this time.
 */
const TIMEOUT_MS = 1_500;
const encoder = new TextEncoder();
const HELD = encoder.encode('held');
const NEWER = 'newer';

type Answer = 'free' | 'late' | { text: string };

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
   * Asks the device's edge to give it up to the opening with this epoch. Returns false if the edge
   * has a newer session of the device, which stays. If no edge answers in time, the later epoch
   * decides who holds the device.
   */
  async release(device: Device, epoch: number): Promise<boolean> {
    const answer = await this.#ask(device, encoder.encode(`release ${epoch}`));
    const isNewer = typeof answer === 'object' && answer.text === NEWER;
    const released = isNewer ? NEWER : 'released';
    this.#metrics.releases.inc({ outcome: typeof answer === 'object' ? released : answer });
    return !isNewer;
  }

  /**
   * Lets the device's edge close its session, unless that was opened after the sign-out with this
   * epoch. An edge that does not answer in time learns of it by the signal that follows.
   */
  async signOut(device: Device, epoch: number): Promise<void> {
    await this.#ask(device, encoder.encode(`sign-out ${epoch}`));
  }

  /** Tells whether an edge holds the device. An edge that does not answer in time may hold it. */
  async isHeld(device: Device): Promise<boolean> {
    return (await this.#ask(device, HELD)) !== 'free';
  }

  async #ask({ userId, deviceId }: Device, payload: Uint8Array): Promise<Answer> {
    try {
      const subject = subjects.device(userId, deviceId);
      const answer = await this.#mux.ask({ subject, payload, timeoutMs: TIMEOUT_MS });
      return { text: answer.string() };
    } catch (error) {
      return KahaError.from(error).noResponders ? 'free' : 'late';
    }
  }
}

import type { UserSignal } from '../../../shared/contracts/events.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Epochs } from '../../../shared/process/epochs.ts';
import type { DeviceHolders } from '../queues/device-holders.ts';
import type { DeviceQueues } from '../queues/device-queues.ts';
import type { Device, KnownQueues } from '../queues/known-queues.ts';
import type { UserTurns } from './user-turns.ts';

type Deps = {
  bus: Pick<Bus, 'publish'>;
  store: AskStore;
  known: KnownQueues;
  /** Tells whether `known` has all devices that have a queue. */
  isCurrent: () => boolean;
  queues: Pick<DeviceQueues, 'look' | 'delete'>;
  holders: DeviceHolders;
  epochs: Epochs;
  turns: UserTurns;
};

/** A session wants a queue, and has a token from this time, in epoch ms. */
type Claim = { issuedAt: number; deadlineAt: number };

/**
 * Signs devices out:
 *
 *     store: noted, registration gone → holding edge closes 4503 → signal to all edges → queue gone
 *
 * From the first step on no session with an older token gets a new queue. An opening at another
 * router may have looked before, and so looks again once it has made its queue: either it sees the
 * note, or the last step here finds its queue. An edge that is cut off from NATS meanwhile finds
 * the queue gone after the reconnect, asks for another, and is refused.
 *
 * A sign-out that fails in the middle is asked for again: the queue makes the device known still.
 */
export class SignOuts {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  signOut(device: Device, deadlineAt: number): Promise<void> {
    return this.#deps.turns.run(device.userId, async () => {
      if (steadyMs() >= deadlineAt) throw new KahaError('TIMEOUT', 'Too late to sign out');
      await this.#signOut(device, deadlineAt);
    });
  }

  /**
   * Throws UNAUTHENTICATED if the device was signed out since the token was issued. The `iat` of a
   * token has whole seconds, so a token of the same second may be one from before.
   */
  async refuseOld({ userId, deviceId }: Device, { issuedAt, deadlineAt }: Claim): Promise<void> {
    const request = { user_id: userId, device_id: deviceId };
    const { signed_out_at: at } = await this.#deps.store('devices.signed_out', request, {
      deadlineAt,
    });
    if (at === undefined || issuedAt > Date.parse(at)) return;
    throw new KahaError('UNAUTHENTICATED', 'The device was signed out since the token was issued');
  }

  /** Names the devices of the user that have a queue, and tells whether each has a session. */
  async connected(userId: UserId): Promise<[string, boolean][]> {
    const { known, holders, isCurrent } = this.#deps;
    if (!isCurrent()) {
      throw new KahaError('MESSAGING_UNAVAILABLE', 'The queues are being read');
    }
    return Promise.all(
      known.devicesOf(userId).map(async (deviceId): Promise<[string, boolean]> => {
        return [deviceId, await holders.isHeld({ userId, deviceId })];
      }),
    );
  }

  async #signOut(device: Device, deadlineAt: number): Promise<void> {
    const { bus, store, queues, holders, epochs } = this.#deps;
    const { userId, deviceId } = device;
    const hasQueue = (await queues.look(device)) !== undefined;
    const request = { user_id: userId, device_id: deviceId, has_queue: hasQueue };
    const { signed_out: isDone } = await store('devices.sign_out', request, { deadlineAt });
    if (!isDone) throw new KahaError('NOT_FOUND', 'There is no such device');
    const epoch = epochs.next();
    await holders.signOut(device, epoch);
    const signal: UserSignal = { kind: 'signed_out', device_id: deviceId, epoch };
    bus.publish(subjects.user(userId), JSON.stringify(signal));
    await queues.delete(device, 'signed_out');
  }
}

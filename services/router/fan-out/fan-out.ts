import { encodeLiveCopy } from '../../../shared/contracts/events.ts';
import type { FeedEvent } from '../../../shared/contracts/feed.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { DeviceLines } from './device-lines.ts';
import { FanOutResults } from './fan-out-results.ts';

/** A delivery is one durable event on its way to the devices and queues of its users. */
export type Delivery = {
  eventId: EventId;
  userIds: readonly UserId[];
  /** The payload is the same bytes for all users, or a map with the bytes of each user. */
  payload: Uint8Array | ReadonlyMap<UserId, Uint8Array>;
  /** The feed tells this of the event. */
  facts: Omit<FeedEvent, 'event_id' | 'recipients'>;
};

type FanOutDeps = {
  lines: Pick<DeviceLines, 'add'>;
  /** Returns the devices of the user that have a queue, as far as this router knows. */
  devicesOf: (userId: UserId) => readonly string[];
  /** Tells whether `devicesOf` knows all devices that have a queue. */
  isCurrent: () => boolean;
  /** Resolves once fewer events wait for their queues; undefined if few wait now. */
  room: () => Promise<void> | undefined;
  /** Publishes a live copy on `user.<user>`, best effort. */
  publishLive: (userId: UserId, payload: Uint8Array) => void;
};

/**
 * Brings an event to the devices of all participants in parallel, each by its line. Events of one
 * conversation come to each device in the order of the `deliver` calls, so by `seq`; only a retry
 * may come behind newer events. In the first fan-out, a user with a device that neither way reaches
 * gets a live copy, and the event stays owed to them.
 *
 * While the router may not know all queues, it offers nothing: events go to the queues that it
 * knows, and stay owed to all their users.
 */
export class FanOut {
  readonly #deps: FanOutDeps;

  constructor(deps: FanOutDeps) {
    this.#deps = deps;
  }

  /** Resolves once the queues have room for more. The result is undefined if they have it now. */
  room(): Promise<void> | undefined {
    return this.#deps.room();
  }

  /**
   * Offers the event to the devices that are there, and publishes it to the queues of those that do
   * not take it. Users with a device that has the event neither way are sent a live copy.
   */
  deliver(delivery: Delivery): FanOutResults {
    const results = this.#toAll(delivery, true);
    void results.settled.then(() => {
      for (const userId of results.unreached) this.#sendLive(delivery, userId);
    });
    return results;
  }

  /**
   * Publishes the event to the queues, without an offer and without a live copy. Returns the users
   * to whom it is still owed. Never rejects.
   */
  requeue(delivery: Delivery): Promise<readonly UserId[]> {
    return this.#toAll(delivery, false).settled;
  }

  #toAll(delivery: Delivery, isFirst: boolean): FanOutResults {
    const { lines, devicesOf, isCurrent } = this.#deps;
    const { eventId, userIds } = delivery;
    const isComplete = isCurrent();
    const mayOffer = isFirst && isComplete;
    const results = new FanOutResults(userIds, isComplete);
    for (const userId of userIds) {
      const deviceIds = devicesOf(userId);
      const outcome = results.follow(userId, deviceIds.length);
      const payload = payloadFor(delivery, userId);
      for (const deviceId of deviceIds) {
        lines.add({ device: { userId, deviceId }, eventId, payload, mayOffer, outcome });
      }
    }
    return results;
  }

  #sendLive(delivery: Delivery, userId: UserId): void {
    const copy = encodeLiveCopy(payloadFor(delivery, userId));
    if (copy !== undefined) this.#deps.publishLive(userId, copy);
  }
}

function payloadFor({ payload }: Delivery, userId: UserId): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  const own = payload.get(userId);
  if (own === undefined) throw new Error('a delivery without a payload for one of its users');
  return own;
}

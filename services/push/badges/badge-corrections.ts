import { LRUCache } from 'lru-cache';
import type { PushBadge, PushDevice } from '../../../shared/contracts/pushes/push-facts.ts';
import type { TakenOn } from '../../../shared/feed/handle-events.ts';
import type { UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { PushSender } from '../providers/provider.ts';
import { type Registrations, toRegistration } from '../registrations.ts';
import { DueTimes } from '../waiting/due-times.ts';

type Deps = {
  sender: Pick<PushSender, 'send'>;
  registrations: Registrations;
  /** Asks store `push.badges` of at most 100 users. */
  askBadges: (userIds: UserId[]) => Promise<PushBadge[]>;
  logger: Logger;
};

type Reader = { userId: UserId; done: (() => void)[] };

const TICK_MS = 100;
/** A person who reads one conversation often reads the next. */
const WAIT_MS = 1_000;
/** A device gets one correction in this time. */
const GAP_MS = 5_000;
const USERS_MAX = 100;
/** Beyond this, the badges of the user who got none for longest are forgotten, and told again. */
const KNOWN_MAX = 100_000;
const WAITING_MAX = 50_000;
const LIFE_MS = 3_600_000;
/** A user without a device to correct is not asked about again until one was sent an alert. */
const NONE = '';

/**
 * Corrects the badges of devices after their user has read elsewhere, by one silent push in 5 s at
 * most. A device that shows the right number gets none. Beyond 50 000 users who wait for it, a read
 * corrects nothing; the next alert brings the right number.
 */
export class BadgeCorrections {
  readonly #deps: Deps;
  readonly #waiting = new Map<UserId, Reader>();
  readonly #times = new DueTimes<Reader>();
  /** By user, the numbers that their devices were given last. */
  readonly #known = new LRUCache<UserId, Map<string, number>>({ max: KNOWN_MAX });
  readonly #correctedAt = new LRUCache<UserId, number>({ max: KNOWN_MAX, ttl: GAP_MS });
  readonly #timer: NodeJS.Timeout;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  noteBadge(userId: UserId, deviceId: string, badge: number): void {
    const known = this.#known.get(userId) ?? new Map<string, number>();
    known.set(deviceId, badge);
    this.#known.set(userId, known);
  }

  /** Notes that the user has read something. */
  noteRead(userId: UserId): TakenOn | undefined {
    const known = this.#known.get(userId);
    // Reading makes a badge smaller, and none is below 0.
    if (known !== undefined && [...known.values()].every((badge) => badge === 0)) return undefined;
    const reader = this.#waiting.get(userId) ?? this.#wait(userId);
    if (reader === undefined) return undefined;
    return { done: new Promise((resolve) => reader.done.push(resolve)) };
  }

  #wait(userId: UserId): Reader | undefined {
    if (this.#waiting.size >= WAITING_MAX) return undefined;
    const reader: Reader = { userId, done: [] };
    this.#waiting.set(userId, reader);
    const now = steadyMs();
    const lastMs = this.#correctedAt.get(userId) ?? Number.NEGATIVE_INFINITY;
    this.#times.set(reader, Math.max(now + WAIT_MS, lastMs + GAP_MS));
    return reader;
  }

  #tick(): void {
    const readers = this.#times.take(steadyMs());
    for (let from = 0; from < readers.length; from += USERS_MAX) {
      void this.#correct(readers.slice(from, from + USERS_MAX));
    }
  }

  async #correct(readers: readonly Reader[]): Promise<void> {
    for (const { userId } of readers) {
      this.#waiting.delete(userId);
      this.#correctedAt.set(userId, steadyMs());
    }
    try {
      const users = await this.#deps.askBadges(readers.map(({ userId }) => userId));
      const found = new Set(users.map(({ user_id: userId }) => userId));
      for (const { userId } of readers) if (!found.has(userId)) this.noteBadge(userId, NONE, 0);
      await Promise.all(users.map((user) => this.#correctUser(user)));
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'badges are not known');
    }
    for (const { done } of readers) for (const end of done) end();
  }

  async #correctUser({ user_id: userId, badge, devices }: PushBadge): Promise<void> {
    const known = this.#known.get(userId);
    const wrong = devices.filter(({ device_id: id }) => known?.get(id) !== badge);
    await Promise.all(wrong.map((device) => this.#send(userId, device, badge)));
    if (devices.length === 0) this.noteBadge(userId, NONE, 0);
  }

  async #send(userId: UserId, device: PushDevice, first: number): Promise<void> {
    const { sender, registrations, askBadges } = this.#deps;
    let badge: number | undefined = first;
    let sent = first;
    const outcome = await sender.send(toRegistration(device), async () => {
      const [now] = badge === undefined ? await askBadges([userId]) : [];
      const isThere = now?.devices.some(
        ({ device_id: id, registered_at: at }) =>
          id === device.device_id && at === device.registered_at,
      );
      if (badge === undefined && !isThere) return undefined;
      sent = badge ?? now?.badge ?? first;
      badge = undefined;
      return { kind: 'badge', badge: sent, expiresAtMs: Date.now() + LIFE_MS };
    });
    if (outcome.kind === 'sent') this.noteBadge(userId, device.device_id, sent);
    await registrations.settle(userId, device, outcome);
  }
}

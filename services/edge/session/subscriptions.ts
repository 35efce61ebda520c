import type { Msg, NatsConnection } from 'nats';

/**
 * These parts of the library lie below its public face. Its version is pinned, and a test covers
 * them.
 */
type Protocol = {
  subscribe(subscription: object): void;
  unsub(subscription: object): void;
  subscriptions: { cancel(subscription: object): void };
};

/** The subscriptions of one kind have this in common. */
export type SubscriptionKind<Target> = {
  /** Returns the same subject whenever it is called, because the library asks after a reconnect. */
  subjectOf(target: Target): string;
  /** A receiver must not throw, because the library would stop reading from the connection. */
  receive(target: Target, msg: Msg): void;
};

/**
 * A core subscription of this class takes 56 bytes. The library's own takes 1.6 KB, because it
 * holds three promises and an iterator, and each connection has three. All subscriptions of a kind
 * share one object `kind`, and `target` is what the subscription is about. The library touches all
 * the other properties.
 */
export class LeanSubscription<Target> {
  sid = 0;
  received = 0;
  readonly kind: SubscriptionKind<Target>;
  readonly target: Target;

  constructor(kind: SubscriptionKind<Target>, target: Target) {
    this.kind = kind;
    this.target = target;
  }

  get subject(): string {
    return this.kind.subjectOf(this.target);
  }

  get queue(): undefined {
    return undefined;
  }

  get max(): number | undefined {
    return undefined;
  }

  set max(_: number | undefined) {
    // The library resets it with each UNSUB.
  }

  /**
   * The library calls this with each message. An error is a refused permission, which the
   * connection's status reports too.
   */
  callback(error: Error | null, msg: Msg): void {
    if (error === null) this.kind.receive(this.target, msg);
  }

  unsubscribe(): void {}

  close(): void {}
}

/** Subscribes, and ends subscriptions without losing messages that are on their way. */
export class Subscriptions {
  readonly #nc: NatsConnection;
  readonly #protocol: Protocol;
  #sharedFlush: Promise<void> | undefined;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    this.#protocol = (nc as unknown as { protocol: Protocol }).protocol;
  }

  /** Subscribes at once, or with the reconnect while the connection is lost. */
  add<Target>(subscription: LeanSubscription<Target>): LeanSubscription<Target> {
    this.#protocol.subscribe(subscription);
    return subscription;
  }

  /** Ends a subscription whose messages may be lost: nothing more arrives. */
  remove<Target>(subscription: LeanSubscription<Target>): void {
    if (this.#nc.isClosed()) return;
    this.#protocol.unsub(subscription);
    this.#protocol.subscriptions.cancel(subscription);
  }

  /**
   * Tells the server to stop, and resolves once all messages that it had sent before have been
   * received. All subscriptions that end within one tick share a flush. Rejects when the connection
   * is lost meanwhile.
   */
  async drain<Target>(subscription: LeanSubscription<Target>): Promise<void> {
    this.#protocol.unsub(subscription);
    this.#sharedFlush ??= this.#flushAfterTick();
    try {
      await this.#sharedFlush;
    } finally {
      this.#protocol.subscriptions.cancel(subscription);
    }
  }

  async #flushAfterTick(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#sharedFlush = undefined;
    await this.#nc.flush();
  }
}

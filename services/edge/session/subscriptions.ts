import type { Msg, NatsConnection } from 'nats';

/** What we use of the library below its public face; pinned, and covered by a test. */
type Protocol = {
  subscribe(subscription: object): void;
  unsub(subscription: object): void;
  subscriptions: { cancel(subscription: object): void };
};

/** Must not throw: the library would stop reading from the connection. */
type Receive<Target> = (target: Target, msg: Msg) => void;

/**
 * A core subscription of ~150 bytes. The library's own holds three promises and an iterator,
 * 1.6 KB, and there are two per connection. `receive` is one function for all of a kind, `target`
 * what it is about. The fields are those that the library touches.
 */
export class LeanSubscription<Target> {
  sid = 0;
  received = 0;
  max: number | undefined = undefined;
  readonly queue: undefined = undefined;
  readonly subject: string;
  readonly target: Target;
  readonly receive: Receive<Target>;

  constructor(subject: string, target: Target, receive: Receive<Target>) {
    this.subject = subject;
    this.target = target;
    this.receive = receive;
  }

  /** An error is a refused permission; the connection's status reports it too. */
  callback(error: Error | null, msg: Msg): void {
    if (error === null) this.receive(this.target, msg);
  }

  unsubscribe(): void {}

  close(): void {}
}

/** Subscribes, and ends subscriptions without losing what is on its way. */
export class Subscriptions {
  readonly #nc: NatsConnection;
  readonly #protocol: Protocol;
  #sharedFlush: Promise<void> | undefined;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    this.#protocol = (nc as unknown as { protocol: Protocol }).protocol;
  }

  /** While disconnected it takes effect with the reconnect. */
  add<Target>(subscription: LeanSubscription<Target>): LeanSubscription<Target> {
    this.#protocol.subscribe(subscription);
    return subscription;
  }

  /** For what may be lost: nothing more arrives. */
  remove<Target>(subscription: LeanSubscription<Target>): void {
    if (this.#nc.isClosed()) return;
    this.#protocol.unsub(subscription);
    this.#protocol.subscriptions.cancel(subscription);
  }

  /**
   * Tells the server to stop; resolves once all that it had sent before has been received. All
   * that end within one tick share a flush. Rejects when the connection is lost meanwhile.
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

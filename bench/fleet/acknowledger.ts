import { ackFrame } from '../websocket/client-frames.ts';
import type { Connection } from './connection.ts';

/**
 * Acknowledges events cumulatively, either after each read or at an interval for all connections. A
 * read may bring several events, and they cost one frame.
 */
export class Acknowledger {
  sent = 0;
  readonly #due: Connection[] = [];
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number) {
    if (intervalMs > 0) this.#timer = setInterval(() => this.#flush(), intervalMs);
  }

  /** The caller calls this when all that arrived on the connection was taken. */
  drained(connection: Connection): void {
    if (connection.lastQ <= connection.ackedQ) return;
    if (this.#timer === undefined) this.#acknowledge(connection);
    else if (!connection.isAckDue) {
      connection.isAckDue = true;
      this.#due.push(connection);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#flush();
  }

  #flush(): void {
    for (const connection of this.#due) {
      connection.isAckDue = false;
      this.#acknowledge(connection);
    }
    this.#due.length = 0;
  }

  #acknowledge(connection: Connection): void {
    const { client, lastQ, ackedQ } = connection;
    if (lastQ <= ackedQ || client === undefined) return;
    connection.ackedQ = lastQ;
    client.send(ackFrame(lastQ));
    this.sent += 1;
  }
}

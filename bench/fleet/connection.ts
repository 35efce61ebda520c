import type { Place } from '../people/crowd.ts';
import type { WebSocketClient } from '../websocket/websocket-client.ts';

/**
 * A connection goes through these states:
 *
 *     idle ──► opening ──auth_ok──► ready ──lost, or rests──► waiting ──► opening …
 *                 │                   └──dismissed──► gone
 *                 └──refused, or lost──► waiting
 *     opening, ready ──code ≥ 4500, or a 4xx other than 429──► dead
 */
type ConnectionState = 'idle' | 'opening' | 'ready' | 'waiting' | 'gone' | 'dead';

/**
 * A connection is one of the sockets, over all its lives. Thousands live in a process, so it has
 * plain fields only.
 */
export class Connection {
  readonly place: Place;
  readonly token: string;
  state: ConnectionState = 'idle';
  client: WebSocketClient<Connection> | undefined = undefined;
  edge: number;
  /** This many tries have failed since the connection was ready last. */
  failures = 0;
  /** The connection was first tried, or was lost, at this time. Times are counted from here. */
  wantedSinceMs = 0;
  wasReady = false;
  /** The edge told the connection to go, and it comes back at once. */
  isLeaving = false;
  /** The connection leaves on purpose for this long. */
  awayMs = 0;
  /**
   * These are the highest `q` that this session has received, and the highest that it has
   * acknowledged.
   */
  lastQ = 0;
  ackedQ = 0;
  isAckDue = false;
  /**
   * These messages were sent, or are to be sent, by the connection and have no answer yet, in
   * order.
   */
  unanswered: number[] | undefined = undefined;

  constructor(place: Place, token: string) {
    this.place = place;
    this.token = token;
    this.edge = place.edge;
  }

  forget(message: number): void {
    const at = this.unanswered?.indexOf(message) ?? -1;
    if (at >= 0) this.unanswered?.splice(at, 1);
  }
}

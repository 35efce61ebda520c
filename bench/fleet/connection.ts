import type { Place } from '../people/crowd.ts';
import type { WebSocketClient } from '../websocket/websocket-client.ts';

/**
 *     idle ──► opening ──auth_ok──► ready ──lost──► waiting ──► opening …
 *                 │                   └──dismissed──► gone
 *                 └──refused──► waiting                └──never again──► dead
 */
export type ConnectionState = 'idle' | 'opening' | 'ready' | 'waiting' | 'gone' | 'dead';

/** One of the sockets, over all its lives. Thousands live in a process: plain fields only. */
export class Connection {
  readonly place: Place;
  readonly token: string;
  state: ConnectionState = 'idle';
  client: WebSocketClient<Connection> | undefined = undefined;
  edge: number;
  /** Failures since it was ready last. */
  failures = 0;
  /** When it was first tried, or lost: times are counted from here. */
  wantedSinceMs = 0;
  wasReady = false;
  /** It was told to go: it comes back at once. */
  isLeaving = false;
  /** It leaves on purpose, for so long. */
  awayMs = 0;
  /** Of this session: the highest queue number that came, and that was acknowledged. */
  lastQ = 0;
  ackedQ = 0;
  isAckDue = false;
  /** Messages sent or to be sent by it that have no answer yet, in order. */
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

import { Histogram } from '../figures/histogram.ts';
import { type Tally, tallyOne } from '../figures/tally.ts';
import type { AuthWay } from '../options/options.ts';
import type { View } from '../websocket/frame-cursor.ts';
import {
  type ClientHandler,
  type ClientTarget,
  type Ending,
  WebSocketClient,
} from '../websocket/websocket-client.ts';
import type { Connection } from './connection.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';

export type FleetOptions = {
  edges: readonly string[];
  auth: AuthWay;
  reconnectWindowS: number;
  /**
   * Connections come from these loopback addresses in turns. The list is empty if the edges are
   * elsewhere.
   */
  localAddresses: readonly string[];
};

/** The fleet hands these events to its owner. */
type FleetEvents = Pick<ClientHandler<Connection>, 'text' | 'drained'> & {
  ready(connection: Connection): void;
  lost(connection: Connection): void;
};

const PACE_MS = 5;
/** Close codes below this number say that the client may come back. */
const CLOSE_FINAL_MIN = 4_500;

/**
 * A fleet has the connections of one worker. It opens them by the clock, keeps them open, and
 * brings back those that are lost or refused. Times are counted from when a connection was first
 * wanted.
 */
export class Fleet implements ClientHandler<Connection> {
  readonly connections: readonly Connection[];
  readonly connectMs = new Histogram();
  readonly returnMs = new Histogram();
  /** The tally counts why connections were refused or lost. */
  readonly endings: Tally = {};
  readyCount = 0;
  deadCount = 0;
  /** This many connections were dismissed and are closed. */
  goneCount = 0;
  readonly #options: FleetOptions;
  readonly #events: FleetEvents;
  readonly #lostEdges = new Set<number>();
  #isClosing = false;

  constructor(connections: readonly Connection[], options: FleetOptions, events: FleetEvents) {
    this.connections = connections;
    this.#options = options;
    this.#events = events;
  }

  /** Resolves when all connections are ready, gone or refused for good, or after `deadlineMs`. */
  connectAll(ratePerS: number, deadlineMs: number): Promise<void> {
    const startedAt = performance.now();
    let opened = 0;
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const due = Math.ceil(((performance.now() - startedAt) * ratePerS) / 1_000);
        for (; opened < Math.min(due, this.connections.length); opened += 1) {
          this.#openFirst(opened, startedAt + (opened * 1_000) / ratePerS);
        }
        const settled = this.readyCount + this.deadCount + this.goneCount;
        const isDone = settled >= this.connections.length;
        if (!isDone && performance.now() - startedAt < deadlineMs) return;
        clearInterval(timer);
        resolve();
      }, PACE_MS);
    });
  }

  /** Sends the connections of the edge elsewhere when they come back. */
  loseEdge(edge: number): void {
    this.#lostEdges.add(edge);
  }

  closeAll(): void {
    this.#isClosing = true;
    for (const { client } of this.connections) client?.close();
  }

  opened(connection: Connection): void {
    if (this.#options.auth !== 'frame') return;
    const { token, place, client } = connection;
    client?.sendText(`{"type":"auth","token":"${token}","device_id":"${place.deviceId}"}`);
  }

  text(connection: Connection, view: View): void {
    this.#events.text(connection, view);
  }

  /** Closes a connection whose edge is about to end, after the time that the edge said. */
  leave(connection: Connection, afterMs: number): void {
    connection.isLeaving = true;
    setTimeout(() => connection.client?.close(), afterMs);
  }

  /** Closes the connection, which comes back to its edge after `awayMs`. */
  rest(connection: Connection, awayMs: number): void {
    connection.awayMs = awayMs;
    connection.client?.close();
  }

  /** Closes a connection that is ready. It does not come back. */
  dismiss(connection: Connection): void {
    if (connection.state !== 'ready') return;
    connection.state = 'gone';
    this.readyCount -= 1;
    connection.client?.close();
  }

  drained(connection: Connection): void {
    this.#events.drained(connection);
  }

  /** Takes note that the connection was authenticated. */
  accept(connection: Connection): void {
    if (connection.state !== 'opening') return;
    const tookMs = performance.now() - connection.wantedSinceMs;
    if (connection.wasReady) this.returnMs.recordMs(tookMs);
    else this.connectMs.recordMs(tookMs);
    connection.state = 'ready';
    connection.wasReady = true;
    connection.failures = 0;
    connection.lastQ = 0;
    connection.ackedQ = 0;
    this.readyCount += 1;
    this.#events.ready(connection);
  }

  closed(connection: Connection, ending: Ending): void {
    const { code, status, retryAfterS } = ending;
    const wasReady = connection.state === 'ready';
    connection.client = undefined;
    if (wasReady) this.readyCount -= 1;
    if (connection.state === 'gone') this.goneCount += 1;
    if (this.#isClosing || connection.state === 'gone') return;
    const { awayMs } = connection;
    connection.awayMs = 0;
    if (awayMs > 0) {
      this.#away(connection, awayMs);
      return;
    }
    tallyOne(this.endings, nameOf(ending));
    if (wasReady) {
      connection.wantedSinceMs = performance.now();
      this.#events.lost(connection);
    }
    const isRefused = status !== undefined && status < 500 && status !== 429;
    if (code >= CLOSE_FINAL_MIN || isRefused) {
      connection.state = 'dead';
      this.deadCount += 1;
      return;
    }
    connection.state = 'waiting';
    connection.failures += 1;
    // A connection that was never open keeps its edge, because its place decides who is on which
    // edge.
    const isBound = status !== undefined && !connection.wasReady;
    if (!isBound) connection.edge = this.#otherEdge(connection.edge);
    const { reconnectWindowS: windowS } = this.#options;
    const failure = { failures: connection.failures, retryAfterS, wasReady, windowS };
    const delayMs = connection.isLeaving ? 0 : reconnectDelayMs(failure, Math.random);
    connection.isLeaving = false;
    setTimeout(() => this.#open(connection), delayMs);
  }

  #away(connection: Connection, awayMs: number): void {
    connection.state = 'waiting';
    connection.wantedSinceMs = performance.now() + awayMs;
    setTimeout(() => this.#open(connection), awayMs);
  }

  #openFirst(index: number, wantedSinceMs: number): void {
    const connection = this.connections[index] as Connection;
    connection.wantedSinceMs = wantedSinceMs;
    this.#open(connection);
  }

  #open(connection: Connection): void {
    if (this.#isClosing) return;
    connection.state = 'opening';
    connection.client = new WebSocketClient(this.#targetOf(connection), connection, this);
  }

  /**
   * Returns one of the other edges that are not known to be gone, at random, as a load balancer
   * would. An edge that lost or refused a connection is the last one to try again.
   */
  #otherEdge(edge: number): number {
    const others = [...this.#options.edges.keys()].filter(
      (other) => other !== edge && !this.#lostEdges.has(other),
    );
    return others[Math.floor(Math.random() * others.length)] ?? edge;
  }

  #targetOf({ place, token, edge }: Connection): ClientTarget {
    const { edges, auth, localAddresses } = this.#options;
    const url = new URL(edges[edge] as string);
    const headers: Record<string, string> = {};
    if (auth === 'header') {
      headers.authorization = `Bearer ${token}`;
      headers['x-device-id'] = place.deviceId;
    } else if (auth === 'subprotocol') {
      headers['sec-websocket-protocol'] = `kaha.v1, bearer.${token}, device.${place.deviceId}`;
    }
    return {
      host: url.host,
      headers,
      address: { host: url.hostname, port: Number(url.port || 80) },
      localAddress: localAddresses[place.index % Math.max(1, localAddresses.length)],
    };
  }
}

function nameOf({ code, status, error }: Ending): string {
  if (status !== undefined) return `http ${status}`;
  return error === undefined ? `close ${code}` : `close ${code} ${error}`;
}

import { steadyMs } from '../../../shared/process/clock.ts';
import { ClosingSockets } from './closing-sockets.ts';

/**
 * The edge keeps room for this many connections beyond its maximum. Each of them is told that the
 * edge is full, and is closed then.
 */
export const REFUSING_MAX = 256;
/** An edge that was full has room again once this part of its maximum is free. */
const ROOM_PART = 0.05;

export type Room = {
  /** The edge holds this many connections. */
  max: number;
  /** So many more files may belong to sockets that are closed and wait for their clients. */
  closingMax: number;
};

/**
 * Counts the connections of clients, each of which is an open file: WebSockets, REST calls, and
 * connections that have sent nothing yet. Above the maximum an upgrade is refused, and a connection
 * ends with the answer to its request. The server cuts at once what comes when `REFUSING_MAX` more
 * are open, so files are left for NATS and Redis.
 *
 *     room ──taken = max──► full ──taken ≤ 95 % of max──► room
 *
 * Only readiness follows these two states, so it does not change with each connection.
 */
export class Connections {
  readonly max: number;
  readonly #closingMax: number;
  readonly #low: number;
  readonly #closing = new ClosingSockets();
  /** Counts the open files of this process, or returns undefined where the system tells nothing. */
  readonly #countFiles: () => number | undefined;
  /** The process had this many files open before the first connection. */
  readonly #ownFiles: number;
  #open = 0;
  #isFull = false;

  constructor({ max, closingMax }: Room, countFiles: () => number | undefined) {
    this.max = max;
    this.#closingMax = closingMax;
    this.#low = Math.floor(max * (1 - ROOM_PART));
    this.#countFiles = countFiles;
    this.#ownFiles = countFiles() ?? 0;
  }

  get open(): number {
    return this.#open;
  }

  get isFull(): boolean {
    if (this.#taken <= this.#low) this.#isFull = false;
    return this.#isFull;
  }

  /** There are more connections than the edge keeps. */
  get isOver(): boolean {
    return this.#taken > this.max;
  }

  /** Counts a connection. Returns false where it must be cut at once. */
  opened(): boolean {
    this.#open += 1;
    const taken = this.#taken;
    if (taken >= this.max) this.#isFull = true;
    return taken <= this.max + REFUSING_MAX;
  }

  closed(): void {
    this.#open -= 1;
    if (this.#isFull && this.#taken <= this.#low) this.#isFull = false;
  }

  /** A WebSocket was closed with a code, and its file may stay open until its client answers. */
  closing(): void {
    this.#closing.add(steadyMs());
  }

  get #taken(): number {
    const nowMs = steadyMs();
    const beyond = this.#open - this.#closingMax;
    if (this.#open < this.max && beyond + this.#closing.count(nowMs) >= this.max) {
      this.#closing.correct(nowMs, () => this.#countClosing());
    }
    return Math.max(this.#open, beyond + this.#closing.count(nowMs));
  }

  #countClosing(): number {
    const files = this.#countFiles();
    return files === undefined ? Infinity : files - this.#ownFiles - this.#open;
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { addTallies, type Tally } from '../figures/tally.ts';
import type { Place } from '../people/crowd.ts';
import type { View } from '../websocket/frame-cursor.ts';
import { headOf, numberField, typeOf } from '../websocket/frame-text.ts';
import { Acknowledger } from './acknowledger.ts';
import { Connection } from './connection.ts';
import { Fleet, type FleetOptions } from './fleet.ts';

export type AwayCounts = {
  wanted: number;
  /** This many devices connected, acknowledged all that came, and left. */
  away: number;
  /** This many device queues were new. */
  queuesMade: number;
  /** The tally counts why connections were refused or lost. */
  endings: Tally;
};

type Visit = { sinceMs: number; heardMs: number; awaitsReplay: boolean };

/** This many devices at most are connected at once. */
const BATCH = 1_000;
const POLL_MS = 20;
/** A device leaves when nothing has come for this long. */
const QUIET_MS = 300;
/** A device leaves after this long, even if there is more to come. */
const STAY_MS_MAX = 10_000;
/**
 * A batch may take this much longer than its pace needs, for refusals, their delays, and the stay.
 */
const GRACE_MS = 60_000;
const MS_PER_S = 1_000;

/**
 * These devices connect once, so that each has a device queue. They acknowledge what comes, and
 * leave. One batch follows another. A device that cannot connect within the time of its batch is
 * given up, and does not count as away.
 */
export class AwayDevices {
  readonly counts: AwayCounts;
  readonly #places: readonly Place[];
  readonly #tokenOf: (userId: string) => string;
  readonly #options: FleetOptions;

  constructor(
    places: readonly Place[],
    tokenOf: (userId: string) => string,
    options: FleetOptions,
  ) {
    this.counts = { wanted: places.length, away: 0, queuesMade: 0, endings: {} };
    this.#places = places;
    this.#tokenOf = tokenOf;
    this.#options = options;
  }

  /** Resolves when all devices have left, or were given up. */
  async visit(ratePerS: number): Promise<void> {
    for (let at = 0; at < this.#places.length; at += BATCH) {
      await this.#visitBatch(this.#places.slice(at, at + BATCH), ratePerS);
    }
  }

  async #visitBatch(places: readonly Place[], ratePerS: number): Promise<void> {
    const connections = places.map((place) => new Connection(place, this.#tokenOf(place.userId)));
    const acknowledger = new Acknowledger(0);
    const visits = new Map<Connection, Visit>();
    const fleet = new Fleet(connections, this.#options, {
      text: (connection, view) => this.#take({ connection, view, fleet, visits }),
      drained: (connection) => acknowledger.drained(connection),
      ready: () => undefined,
      lost: (connection) => visits.delete(connection),
    });
    const timeMs = (connections.length / ratePerS) * MS_PER_S + GRACE_MS;
    const deadline = performance.now() + timeMs;
    const leaving = setInterval(() => this.#leave(fleet, visits), POLL_MS);
    await fleet.connectAll(ratePerS, timeMs);
    const isOver = (): boolean => fleet.goneCount + fleet.deadCount >= connections.length;
    while (!isOver() && performance.now() < deadline) await delay(POLL_MS);
    clearInterval(leaving);
    fleet.closeAll();
    this.counts.endings = addTallies([this.counts.endings, fleet.endings]);
  }

  #take(parts: {
    connection: Connection;
    view: View;
    fleet: Fleet;
    visits: Map<Connection, Visit>;
  }): void {
    const { connection, view, fleet, visits } = parts;
    const head = headOf(view);
    const type = typeOf(head);
    const now = performance.now();
    if (head.startsWith('{"q":')) connection.lastQ = numberField(head, '"q":');
    if (type === 'auth_ok') {
      const isNew = head.includes('"resumed":false');
      if (isNew) this.counts.queuesMade += 1;
      visits.set(connection, { sinceMs: now, heardMs: now, awaitsReplay: isNew });
      fleet.accept(connection);
    }
    const visit = visits.get(connection);
    if (visit === undefined) return;
    visit.heardMs = now;
    if (type === 'replay_end') visit.awaitsReplay = false;
    else if (type === 'going_away') {
      fleet.leave(connection, numberField(head, '"reconnect_after_ms":'));
    }
  }

  /**
   * Dismisses devices that are done. A device with a new queue first waits for the end of its
   * replay, because only then everything has come.
   */
  #leave(fleet: Fleet, visits: Map<Connection, Visit>): void {
    const now = performance.now();
    for (const [connection, { sinceMs, heardMs, awaitsReplay }] of visits) {
      const isQuiet = !awaitsReplay && now - heardMs >= QUIET_MS;
      if (!isQuiet && now - sinceMs < STAY_MS_MAX) continue;
      visits.delete(connection);
      fleet.dismiss(connection);
      this.counts.away += 1;
    }
  }
}

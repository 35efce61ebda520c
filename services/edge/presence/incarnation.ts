import { newId } from '../../../shared/ids.ts';
import type { Others, PresenceRedis } from './presence-redis.ts';

type Deps = { instance: string; redis: PresenceRedis };

/**
 * An incarnation is one stretch of time in which Redis knows this edge. This class owns the current
 * one. An edge that was taken for dead, or that Redis has forgotten, begins a new incarnation with
 * its next heartbeat, so that clearing up the old one hits no user of the new one.
 *
 *     unknown ──beat──► begun ──lose, or Redis has forgotten it──► unknown
 */
export class Incarnation {
  readonly #deps: Deps;
  readonly #onBegun: (() => void)[] = [];
  readonly #onLost: (() => void)[] = [];
  #name = '';
  #isKnown = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** The name stays empty until the first heartbeat. */
  get name(): string {
    return this.#name;
  }

  /** Calls the listener when a new incarnation has begun, of which Redis knows no users yet. */
  onBegun(listener: () => void): void {
    this.#onBegun.push(listener);
  }

  /** Calls the listener when the edge gives the incarnation up. */
  onLost(listener: () => void): void {
    this.#onLost.push(listener);
  }

  /** Gives the incarnation up, so that the next heartbeat begins a new one. */
  lose(): void {
    this.#isKnown = false;
    for (const listener of this.#onLost) listener();
  }

  /**
   * Sends a heartbeat, which begins a new incarnation where Redis does not know the old one.
   * Returns the other edges that are dead or closed.
   */
  async beat(): Promise<Others> {
    const { redis, instance } = this.#deps;
    const others = this.#isKnown ? await redis.beat(this.#name, false) : undefined;
    if (others !== undefined) return others;
    this.#isKnown = false;
    const name = `${instance}.${newId<string>().slice(0, 8)}`;
    const first = (await redis.beat(name, true)) ?? { dead: [], closed: [], since: '' };
    this.#name = name;
    this.#isKnown = true;
    for (const listener of this.#onBegun) listener();
    return first;
  }
}

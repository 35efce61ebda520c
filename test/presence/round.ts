import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { redisUrl } from '../../dev/testing/test-servers.ts';
import { until } from '../../dev/testing/until.ts';
import { newId, type UserId } from '../../shared/ids.ts';
import { PRESENCE_TIMES } from '../../shared/presence/read-presence.ts';
import { steadyMs } from '../../shared/process/clock.ts';
import type { Chance } from '../harm/chance.ts';
import { numbers } from '../stage/numbers.ts';
import { type Line, PresenceEdge, type Status } from './presence-edge.ts';

/** All times are a fifth of the real ones. */
const SHORTER = 5;
const { beatMs, deadAfterMs, settledMs, graceMs } = PRESENCE_TIMES;
export const TIMES = {
  beatMs: beatMs / SHORTER,
  deadAfterMs: deadAfterMs / SHORTER,
  settledMs: settledMs / SHORTER,
  graceMs: graceMs / SHORTER,
};
/** Everybody knows the truth this long after whatever happened last. */
const TRUTH_MS = 10_000 / SHORTER;
/** A user who has had a session for this long must not be called offline. */
const HERE_MS = 500;
const PAUSE_MS_MAX = 400;
const LOOK_MS = 20;
const EMPTY = `for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end`;
const STEPS = ['connect', 'abort', 'lose', 'kill', 'restart', 'beat'] as const;
type Step = (typeof STEPS)[number];
/** Users come and go more often than harm is done. */
const SHARES: Record<Step, number> = {
  ...{ connect: 5, abort: 5, lose: 2, kill: 1, restart: 2, beat: 2 },
};

type Place = { users: UserId[]; raw: Redis; prefix: string; url: string };

/**
 * In a round users come and go on three edges, Redis loses everything, edges are killed and start
 * again. Each edge has a session that watches all users.
 */
export class Round {
  /** These are the steps so far, for whoever has to find out what went wrong. */
  readonly story: string[] = [];
  readonly users: readonly UserId[];
  readonly #place: Place;
  readonly #line: Line = new Set();
  readonly #edges = new Map<string, PresenceEdge>();
  /** The map holds, for each user, since when they have had a session on each living edge. */
  readonly #here = new Map<UserId, Map<string, { count: number; sinceMs: number }>>();
  readonly #started: PresenceEdge[] = [];

  private constructor(place: Place) {
    this.#place = place;
    this.users = place.users;
    for (const userId of place.users) this.#here.set(userId, new Map());
  }

  static async begin(users = 4, edges = 3): Promise<Round> {
    const url = new URL(await redisUrl());
    const prefix = `${newId<string>()}:`;
    url.searchParams.set('keyPrefix', prefix);
    const plain = new URL(url);
    plain.search = '';
    const ids = numbers(1, users).map(() => newId<UserId>());
    const raw = new Redis(plain.href);
    const round = new Round({ users: ids, raw, prefix, url: url.href });
    for (const number of numbers(1, edges)) await round.start(`edge-${number}`);
    await until('all know that nobody is online', () => round.#isQuiet());
    return round;
  }

  async start(instance: string): Promise<void> {
    const { url: redisUrl } = this.#place;
    const options = { instance, redisUrl, line: this.#line, times: TIMES };
    const edge = await PresenceEdge.start(options);
    this.#started.push(edge);
    this.#edges.set(instance, edge);
    await edge.watch(this.users);
  }

  #isQuiet(): boolean {
    return [...this.#edges.values()].every(({ heard }) => {
      return this.users.every((userId) => heard.get(userId) === 'offline');
    });
  }

  edge(instance: string): PresenceEdge {
    return this.#edges.get(instance) as PresenceEdge;
  }

  connect(userId: UserId, instance: string): void {
    const sessions = this.#here.get(userId);
    const here = sessions?.get(instance) ?? { count: 0, sinceMs: steadyMs() };
    here.count += 1;
    sessions?.set(instance, here);
    this.edge(instance).presence.online.joined(userId);
  }

  abort(userId: UserId, instance: string): void {
    const sessions = this.#here.get(userId);
    const here = sessions?.get(instance);
    if (here === undefined) return;
    here.count -= 1;
    if (here.count === 0) sessions?.delete(instance);
    const left = { nowMs: steadyMs(), lastSeenAt: Date.now(), isLate: false };
    this.edge(instance).presence.online.left(userId, left);
  }

  async lose(): Promise<void> {
    const { raw, prefix } = this.#place;
    await raw.eval(EMPTY, 0, `${prefix}*`);
  }

  kill(instance: string): void {
    this.edge(instance).kill();
    for (const sessions of this.#here.values()) sessions.delete(instance);
  }

  /** Takes one step at random, and waits for a moment, or not at all. */
  async step(chance: Chance): Promise<void> {
    const bag = STEPS.flatMap((step) => Array<Step>(SHARES[step]).fill(step));
    const step = chance.pick(bag);
    const userId = chance.pick(this.users);
    const alive = [...this.#edges].filter(([, edge]) => edge.isAlive).map(([name]) => name);
    const dead = [...this.#edges.keys()].filter((name) => !alive.includes(name));
    const sessions = [...(this.#here.get(userId)?.keys() ?? [])];
    const [any, gone, held] = [chance.pick(alive), chance.pick(dead), chance.pick(sessions)];
    this.story.push(`${step} ${this.users.indexOf(userId)} ${any} ${gone ?? ''} ${held ?? ''}`);
    if (step === 'connect') this.connect(userId, any);
    if (step === 'abort' && held !== undefined) this.abort(userId, held);
    if (step === 'lose') await this.lose();
    if (step === 'kill' && alive.length > 1) this.kill(any);
    if (step === 'restart' && gone !== undefined) await this.start(gone);
    if (step === 'beat') this.edge(any).beat();
    if (chance.happens(0.6)) await delay(chance.between(0, PAUSE_MS_MAX));
  }

  /** Lists who is called offline now, by Redis or by an edge, although they have been here long. */
  async falselyOffline(): Promise<string[]> {
    const since = steadyMs() - HERE_MS;
    const here = this.users.filter((userId) => {
      const sessions = [...(this.#here.get(userId)?.values() ?? [])];
      return sessions.some(({ sinceMs }) => sinceMs < since);
    });
    const called = await this.#called(here);
    return here.flatMap((userId, index) => {
      const names = called.filter(({ statuses }) => statuses[index] === 'offline');
      const isStill = (this.#here.get(userId)?.size ?? 0) > 0;
      return isStill ? names.map(({ by }) => `${this.users.indexOf(userId)} by ${by}`) : [];
    });
  }

  /** Resolves once all know the truth, or with what is wrong when the time is over. */
  async truth(): Promise<string[]> {
    let atMs = steadyMs();
    // A busy machine may not let this process run, so a turn counts for two of its waits at most.
    for (let countedMs = 0; ; ) {
      const wrong = await this.#wrong();
      if (wrong.length === 0 || countedMs > TRUTH_MS) return wrong;
      await delay(LOOK_MS);
      countedMs += Math.min(steadyMs() - atMs, 2 * LOOK_MS);
      atMs = steadyMs();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((edge) => edge.close()));
    await this.lose();
    this.#place.raw.disconnect();
  }

  async #wrong(): Promise<string[]> {
    const truth = this.users.map((userId): Status => {
      return (this.#here.get(userId)?.size ?? 0) > 0 ? 'online' : 'offline';
    });
    const called = await this.#called(this.users);
    return called.flatMap(({ by, statuses }) =>
      statuses.flatMap((status, index) =>
        status === truth[index] ? [] : `${index} is ${truth[index]}, and ${status} by ${by}`,
      ),
    );
  }

  /** Resolves with what Redis and the watchers of all living edges say of the users. */
  async #called(users: readonly UserId[]): Promise<{ by: string; statuses: Status[] }[]> {
    const alive = [...this.#edges].filter(([, edge]) => edge.isAlive);
    const [first] = alive as [[string, PresenceEdge]];
    const read = users.length === 0 ? [] : await first[1].read(users);
    const heard = alive.map(([by, edge]) => ({
      by,
      statuses: users.map((userId) => edge.heard.get(userId) ?? 'unknown'),
    }));
    return [{ by: 'redis', statuses: read }, ...heard];
  }
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import { encodeLive } from '../../../shared/contracts/events.ts';
import type { ProfilesGet } from '../../../shared/contracts/profile-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { AskNames } from './ask-names.ts';

type Deps = { bus: Pick<Bus, 'publish'>; askNames: AskNames; metrics: Metrics; logger: Logger };

/** The event tells who it is about. */
type Who = { user_id: UserId } | { business_id: BusinessId };
/** The viewers were shown a fallback for the name, the last of them until `untilMs` (steady). */
type Late = { who: Who; viewers: Set<UserId>; untilMs: number };

/** A user who was shown a fallback longer ago than this sees the name with their next load. */
const KEPT_MS = 15 * 60_000;
/**
 * At most so many pairs of a name and a viewer are held, which take 25 MB if each is of another
 * name. Beyond it, the names that were asked for longest ago are dropped, and their viewers see
 * them with their next load.
 */
const PAIRS_MAX = 50_000;
const IDS_MAX = 2_000;
/** While no name comes, the edge asks for 2000 of the names this often. */
const ROUND_MS = 2_000;
/** After a name has come, the edge soon asks for the next 2000. */
const NEXT_MS = 100;
/** So many users are told in one turn of the event loop. */
const TOLD_AT_ONCE = 500;

/**
 * Remembers who was shown "Unknown User" or "Unknown Business" because profiles could not be asked,
 * or could not ask kaha-main-v3. It asks again until the name comes, and then sends
 * `profile_updated` to the users who were shown the fallback, wherever their sockets are. A name
 * that kaha-main-v3 does not know is no longer asked for.
 */
export class LateNames {
  readonly #deps: Deps;
  /** The name that was asked for longest ago stands first. */
  readonly #late = new Map<string, Late>();
  #pairs = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    deps.metrics.gauge('kaha_edge_late_names', 'Names to be told', () => this.#late.size);
  }

  /** The viewers are shown fallbacks for the names of `missed`. */
  add(missed: ProfilesGet, viewers: readonly UserId[]): void {
    if (viewers.length === 0 || this.#isClosed) return;
    const untilMs = steadyMs() + KEPT_MS;
    for (const who of whoIn(missed)) {
      const key = keyOf(who);
      const late = this.#late.get(key) ?? { who, viewers: new Set(), untilMs };
      late.untilMs = untilMs;
      this.#late.set(key, late);
      const before = late.viewers.size;
      for (const viewer of viewers) late.viewers.add(viewer);
      this.#pairs += late.viewers.size - before;
      this.#dropOldest();
    }
    if (this.#late.size > 0) this.#timer ??= this.#roundIn(ROUND_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #roundIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#running = this.#play();
    }, ms);
  }

  async #play(): Promise<void> {
    let hasCome = false;
    try {
      hasCome = await this.#round();
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'late names not told');
    }
    const isOver = this.#isClosed || this.#late.size === 0;
    this.#timer = isOver ? undefined : this.#roundIn(hasCome ? NEXT_MS : ROUND_MS);
  }

  /** Asks for the names that wait longest. Returns true if one has come. */
  async #round(): Promise<boolean> {
    const asked = this.#oldest();
    if (asked.length === 0) return false;
    const { users, businesses, missed = {} } = await this.#deps.askNames(requestFor(asked));
    const isMissed = new Set(whoIn(missed).map(keyOf));
    const hasCome = new Set([
      ...users.map(({ id }) => keyOf({ user_id: id })),
      ...businesses.map(({ id }) => keyOf({ business_id: id })),
    ]);
    let told = 0;
    for (const late of asked) {
      const key = keyOf(late.who);
      if (this.#late.get(key) !== late) continue;
      this.#late.delete(key);
      if (isMissed.has(key)) {
        this.#late.set(key, late);
        continue;
      }
      this.#pairs -= late.viewers.size;
      if (!hasCome.has(key)) continue;
      for (const viewer of late.viewers) {
        this.#tell(late.who, viewer);
        told += 1;
        if (told % TOLD_AT_ONCE === 0) await nextTurn();
      }
    }
    return hasCome.size > 0;
  }

  #tell(who: Who, viewer: UserId): void {
    const event = encodeLive({ type: 'profile_updated', ...who });
    this.#deps.bus.publish(subjects.user(viewer), event);
  }

  #oldest(): Late[] {
    const oldest: Late[] = [];
    const nowMs = steadyMs();
    for (const [key, late] of this.#late) {
      if (oldest.length === IDS_MAX) break;
      if (late.untilMs > nowMs) oldest.push(late);
      else this.#drop(key, late);
    }
    return oldest;
  }

  #dropOldest(): void {
    for (const [key, late] of this.#late) {
      if (this.#pairs <= PAIRS_MAX) break;
      this.#drop(key, late);
    }
  }

  #drop(key: string, late: Late): void {
    this.#late.delete(key);
    this.#pairs -= late.viewers.size;
  }
}

function keyOf(who: Who): string {
  return 'user_id' in who ? `user:${who.user_id}` : `business:${who.business_id}`;
}

function whoIn({ user_ids: users = [], business_ids: businesses = [] }: ProfilesGet): Who[] {
  return [
    ...users.map((user_id) => ({ user_id })),
    ...businesses.map((business_id) => ({ business_id })),
  ];
}

function requestFor(asked: readonly Late[]): ProfilesGet {
  const users = asked.flatMap(({ who }) => ('user_id' in who ? who.user_id : []));
  const businesses = asked.flatMap(({ who }) => ('business_id' in who ? who.business_id : []));
  return {
    ...(users.length > 0 && { user_ids: users }),
    ...(businesses.length > 0 && { business_ids: businesses }),
  };
}

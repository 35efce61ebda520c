import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BusinessSignal, InboxStep } from '../../../shared/contracts/business-signals.ts';
import type { InboxHead } from '../../../shared/contracts/inbox-reads.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { InboxHeadShape } from '../../../shared/protocol/inbox-shapes.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { LookUpNames } from '../names/conversation-view.ts';
import type { Names } from '../names/profile-names.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import { HeadReads } from './head-reads.ts';
import { countsFrame, countsOf, StepFrames, sightOf, versionFrame } from './inbox-frames.ts';
import { type HeldBytes, StepOrder } from './step-order.ts';
import { Watcher } from './watcher.ts';

export type InboxDeps = {
  store: AskStore;
  /** The look-up takes ≤ 1 s and never rejects. */
  lookUpNames: LookUpNames;
  hub: Hub;
  logger: Logger;
  held: HeldBytes;
  /** The session watches the inbox no more. */
  onLeft: (session: Session, businessId: BusinessId) => void;
};

/** Two reads of a head take less than the 4 s in which a client is answered. */
const HEAD_TIMEOUT_MS = 1_800;
const COUNTS_GAP_MS = 250;
const RETRY_MS = 1_000;
/** These bound the frames of one turn of the event loop. */
const TELLS_MAX = 4_096;
const STEPS_MAX = 64;
const STEPS_BYTES_MAX = 256 * 1024;
const NOBODY: Names = { users: new Map(), businesses: new Map() };

/**
 * Tells those who watch the inbox of one business, in the order of its versions, what they may know
 * of each step. A step waits for a head of its version or a later one, and who may know what of it
 * is judged by the roles of that head: store read both at once, so it knew of whoever was removed
 * or demoted before the step. Counts, which a head brings too, are told right behind its version.
 */
export class WatchedInbox {
  readonly businessId: BusinessId;
  readonly #deps: InboxDeps;
  readonly #watchers = new Map<Session, Watcher>();
  readonly #behind = new Set<Watcher>();
  readonly #order: StepOrder;
  readonly #heads: HeadReads;
  #head: InboxHead | undefined;
  /** The counts of this head are not told yet. */
  #untold: InboxHead | undefined;
  #countsToldAt = Number.NEGATIVE_INFINITY;
  #retryAt = 0;
  #isTelling = false;

  constructor(businessId: BusinessId, deps: InboxDeps) {
    this.businessId = businessId;
    this.#deps = deps;
    this.#order = new StepOrder(deps.held);
    this.#heads = new HeadReads({
      users: () => this.#users(),
      ask: (user_ids) => {
        const deadlineAt = steadyMs() + HEAD_TIMEOUT_MS;
        return deps.store('inbox.head', { business_id: businessId, user_ids }, { deadlineAt });
      },
      take: (head, users) => this.#take(head, users),
    });
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** FORBIDDEN refuses those who are no agents of the business. */
  async watch(session: Session, userId: UserId): Promise<InboxHeadShape> {
    const known = this.#watchers.get(session);
    const watcher = known ?? new Watcher(session, userId);
    this.#watchers.set(session, watcher);
    if (this.#users().length > LIMITS.agentsMax) {
      this.leave(session);
      throw new KahaError('RATE_LIMITED', 'Too many watch this inbox', { retryAfterS: 1 });
    }
    try {
      const head = await this.#heads.next();
      if (head.roles[userId] === undefined) {
        throw new KahaError('FORBIDDEN', 'Only agents of the business may watch its inbox');
      }
      const begun = { version: head.version, counts: countsOf(head, userId) };
      watcher.begin(begun);
      return begun;
    } catch (error) {
      if (known === undefined) this.leave(session);
      throw error;
    }
  }

  leave(session: Session): void {
    const watcher = this.#watchers.get(session);
    if (watcher === undefined) return;
    this.#watchers.delete(session);
    this.#behind.delete(watcher);
    if (this.size === 0) {
      this.#heads.close();
      this.#order.clear();
    }
    this.#deps.onLeft(session, this.businessId);
  }

  receive(signal: BusinessSignal, bytes: number): void {
    if (signal.kind === 'availability') return;
    if (signal.kind === 'step') this.#order.add(signal, bytes);
    this.#heads.changed();
  }

  /** Signals may have been lost. */
  lookAgain(): void {
    this.#heads.changed();
  }

  /** The edge calls this several times a second. Returns true if a head should be read now. */
  sweep(nowMs: number): boolean {
    for (const watcher of this.#behind) {
      const hasCaughtUp = watcher.catchUp(this.#deps.hub, (version) =>
        versionFrame(this.businessId, version),
      );
      if (!hasCaughtUp) continue;
      this.#behind.delete(watcher);
      this.#heads.changed();
    }
    if (this.#order.hasGap) this.#heads.changed();
    if (this.#order.isWaiting || this.#untold !== undefined) void this.#tellAll();
    return this.#heads.isDue(nowMs);
  }

  async readHead(): Promise<void> {
    try {
      await this.#heads.next();
    } catch (error) {
      this.#deps.logger.debug({ err: error }, 'inbox not read');
    }
  }

  #users(): UserId[] {
    return [...new Set([...this.#watchers.values()].map(({ userId }) => userId))];
  }

  #take(head: InboxHead, users: readonly UserId[]): void {
    this.#head = head;
    this.#untold = head;
    this.#order.reach(head.version);
    const asked = new Set(users);
    for (const { session, userId } of [...this.#watchers.values()]) {
      if (asked.has(userId) && head.roles[userId] === undefined) this.leave(session);
    }
    // Whoever begins to watch with this head is answered before the steps behind it are told.
    setImmediate(() => void this.#tellAll());
  }

  async #tellAll(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      while (this.size > 0 && (await this.#tellNext())) await nextTurn();
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'inbox not told');
    } finally {
      this.#isTelling = false;
    }
  }

  /** Returns false if there is nothing to tell now. */
  async #tellNext(): Promise<boolean> {
    const nowMs = steadyMs();
    const steps = this.#nextSteps(nowMs);
    if (steps.length > 0) await this.#tellSteps(steps);
    else if (!this.#tellCounts(nowMs)) return await this.#replaceLost(nowMs);
    return true;
  }

  #nextSteps(nowMs: number): InboxStep[] {
    const upTo = this.#head?.version ?? 0;
    const countMax = Math.max(1, Math.min(STEPS_MAX, Math.floor(TELLS_MAX / this.size)));
    const steps: InboxStep[] = [];
    for (let bytes = 0; steps.length < countMax && bytes < STEPS_BYTES_MAX; ) {
      const held = this.#order.next(nowMs, upTo);
      if (held === undefined) break;
      bytes += held.bytes;
      steps.push(held.step);
    }
    return steps;
  }

  async #tellSteps(steps: readonly InboxStep[]): Promise<void> {
    const names = await this.#namesFor(steps);
    for (const step of steps) {
      const frames = new StepFrames(step, names);
      const { version } = step;
      this.#tellEach(version, (watcher) => frames.of(this.#sightOf(watcher, step)));
    }
  }

  async #namesFor(steps: readonly InboxStep[]): Promise<Names> {
    const viewers = new Set<UserId>();
    const shown = steps.filter((step) => {
      const whole = this.#seeWhole(step);
      for (const { userId } of whole) viewers.add(userId);
      return whole.length > 0;
    });
    if (shown.length === 0) return NOBODY;
    const records = shown.map(({ record }) => record);
    return await this.#deps.lookUpNames({ records, viewers: [...viewers] });
  }

  #seeWhole(step: InboxStep): Watcher[] {
    return [...this.#watchers.values()].filter((watcher) => {
      return this.#sightOf(watcher, step) === 'whole';
    });
  }

  #sightOf({ userId }: Watcher, step: InboxStep) {
    return sightOf({ user_id: userId, role: this.#head?.roles[userId] }, step);
  }

  #tellEach(version: number, frameFor: (watcher: Watcher) => string): void {
    // The loop needs a copy of the list: sending may close a session, and closing changes the list.
    for (const watcher of [...this.#watchers.values()]) {
      const told = { version, frame: frameFor(watcher) };
      if (!watcher.tell(this.#deps.hub, told)) this.#behind.add(watcher);
    }
  }

  /**
   * Tells the counts of the last head, if all steps up to it are told and none behind it. Returns
   * false if they wait.
   */
  #tellCounts(nowMs: number): boolean {
    const head = this.#untold;
    const version = this.#order.version ?? 0;
    if (head === undefined || version < head.version) return false;
    if (nowMs - this.#countsToldAt < COUNTS_GAP_MS) return false;
    this.#untold = undefined;
    if (version > head.version) {
      this.#heads.changed();
      return true;
    }
    for (const watcher of [...this.#watchers.values()]) {
      const told = { version, counts: countsOf(head, watcher.userId) };
      const frame = () => countsFrame(this.businessId, told);
      if (watcher.tellCounts(this.#deps.hub, told, frame)) this.#countsToldAt = nowMs;
    }
    return true;
  }

  /**
   * Several lost steps are a gap, which watchers see at the last version. One lost step would be
   * none, so store tells it again. Returns false if nothing is lost, or store is away.
   */
  async #replaceLost(nowMs: number): Promise<boolean> {
    if (nowMs < this.#retryAt) return false;
    let lost = this.#order.lost(nowMs);
    if (lost === undefined) return false;
    if (lost.from === lost.to) {
      try {
        const newest = await this.#deps.store('inbox.newest', { business_id: this.businessId });
        if (newest.step !== undefined) this.#order.add(newest.step, 0);
        this.#heads.changed();
      } catch (error) {
        this.#retryAt = nowMs + RETRY_MS;
        this.#deps.logger.debug({ err: error }, 'lost step not read');
        return false;
      }
      lost = this.#order.lost(steadyMs());
    }
    if (lost === undefined) return true;
    const { to: version } = lost;
    this.#order.giveUp();
    this.#tellEach(version, () => versionFrame(this.businessId, version));
    return true;
  }
}

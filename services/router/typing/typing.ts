import type { InConversation } from '../../../shared/contracts/conversations.ts';
import { encodeLive } from '../../../shared/contracts/events.ts';
import type { TypingInput } from '../../../shared/contracts/router-ops.ts';
import {
  type ConversationId,
  type ParticipantKey,
  participantKey,
  type UserId,
} from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { TypingAudiences } from './typing-audiences.ts';

type Deps = {
  audiences: TypingAudiences;
  /** Publishes a live event on `user.<user>`, best effort. */
  publish: (userId: UserId, payload: string) => void;
  logger: Logger;
};

type Typist = {
  userId: UserId;
  conversationId: ConversationId;
  /**
   * The keys are the sessions that type, and each value is the end by `steadyMs`. The first one to
   * end comes first.
   */
  sessions: Map<string, number>;
  /** The others were last told at this time, by `steadyMs`, that the user types. */
  toldAt: number;
  /**
   * These users were told that the user types. The end is told to nobody else, because a later
   * participant did not hear of the beginning. If another router told the beginning, all other
   * participants are told.
   */
  informed: readonly UserId[];
  /**
   * The typist is remembered until this time, by `steadyMs`. An end that comes late arrives before
   * it.
   */
  keptUntil: number;
};

const TOLD_EVERY_MS = 2_000;
const KEPT_MS = 8_000;
/**
 * At most this many sessions of a user type in a conversation. Beyond it, the first one to end is
 * forgotten.
 */
const SESSIONS_MAX = 16;
const ASK_MS = 3_000;
const SWEEP_MS = 100;
const NEVER = Number.NEGATIVE_INFINITY;
/** At most this many typists are known. Beyond it, nobody is told that a user begins to type. */
const TYPISTS_MAX = 50_000;
/**
 * At most this many conversations are remembered between two sweeps because their participants
 * changed. Beyond it, the typing of somebody who left ends by its time.
 */
const CHANGED_MAX = 10_000;

/**
 * Keeps in memory alone which users type in which conversations, and tells the other participants.
 * It tells `true` at most once in 2 s for each conversation and user. It tells `false` once, when
 * the user sends a message or when none of their sessions types any more. The typing of a session
 * ends when the session says so, or 5 s after its last `true`. The typing of a user who takes part
 * no more ends with the next sweep.
 *
 * An edge ends typing for sockets that close, and the 5 s cover an edge that dies. If a router
 * dies, edges bring the ends to another router, which tells of them although it does not know the
 * typist.
 */
export class Typing {
  readonly #deps: Deps;
  readonly #typists = new Map<ParticipantKey, Typist>();
  /** The participants of these conversations have changed since the last sweep. */
  readonly #changed = new Set<ConversationId>();
  readonly #timer: NodeJS.Timeout;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#sweep(steadyMs()), SWEEP_MS);
  }

  get size(): number {
    return this.#typists.size;
  }

  async receive(input: TypingInput, deadlineAt: number): Promise<Record<string, never>> {
    const { user_id: userId, conversation_id: id } = input;
    const others = await this.#deps.audiences.othersOf(id, userId, deadlineAt);
    if (input.is_typing) this.#begin(input, others);
    else this.#stop(input, others);
    return {};
  }

  /** Ends the typing of a user who has sent a message. */
  sent(place: InConversation): void {
    const typist = this.#typists.get(keyOf(place));
    if (typist !== undefined) this.#end(typist);
  }

  /** The participants of the conversation have changed, and somebody who types may have left. */
  participantsChanged(id: ConversationId): void {
    if (this.#changed.size < CHANGED_MAX) this.#changed.add(id);
  }

  /** Ends the typing of all users, and tells the others. */
  close(): void {
    clearInterval(this.#timer);
    for (const typist of this.#typists.values()) this.#end(typist);
    this.#typists.clear();
  }

  #begin(input: TypingInput, others: readonly UserId[]): void {
    const nowMs = steadyMs();
    const typist = this.#typists.get(keyOf(input)) ?? this.#add(input);
    if (typist === undefined) return;
    const { sessions } = typist;
    sessions.delete(input.session_id);
    sessions.set(input.session_id, nowMs + LIMITS.typingMs);
    if (sessions.size > SESSIONS_MAX) sessions.delete(sessions.keys().next().value as string);
    typist.keptUntil = nowMs + KEPT_MS;
    if (nowMs - typist.toldAt >= TOLD_EVERY_MS) this.#tellBegun(typist, others, nowMs);
  }

  #stop(input: TypingInput, others: readonly UserId[]): void {
    const typist = this.#typists.get(keyOf(input));
    if (typist !== undefined) {
      typist.sessions.delete(input.session_id);
      if (endOf(typist) <= steadyMs()) this.#end(typist);
    } else if (input.was_told === true) {
      const ended = this.#add(input);
      if (ended !== undefined) this.#tell(ended, others, false);
    }
  }

  #add({ user_id: userId, conversation_id: conversationId }: InConversation): Typist | undefined {
    if (this.#typists.size >= TYPISTS_MAX) return undefined;
    const keptUntil = steadyMs() + KEPT_MS;
    const typist = { sessions: new Map(), toldAt: NEVER, informed: [], keptUntil };
    const place = { user_id: userId, conversation_id: conversationId };
    const added = { userId, conversationId, ...typist };
    this.#typists.set(keyOf(place), added);
    return added;
  }

  #tellBegun(typist: Typist, others: readonly UserId[] | undefined, nowMs: number): void {
    typist.toldAt = nowMs;
    if (others === undefined) {
      void this.#tellAgain(typist);
    } else {
      typist.informed = others;
      this.#tell(typist, others, true);
    }
  }

  /**
   * Ends the typing of a user, and keeps the typist known. So the next `true` is told no sooner
   * than 2 s after the last one, and a late end is not told once more.
   */
  #end(typist: Typist): void {
    typist.sessions.clear();
    if (typist.informed.length === 0) return;
    void this.#tellEnded(typist, typist.informed);
    typist.informed = [];
  }

  /**
   * Ends typists whose time is over. If a `true` was held back for its rate and still holds, it is
   * told as soon as the rate allows.
   */
  #sweep(nowMs: number): void {
    for (const [key, typist] of this.#typists) {
      const isDue = nowMs - typist.toldAt >= TOLD_EVERY_MS;
      if (endOf(typist) > nowMs) {
        if (this.#changed.has(typist.conversationId)) void this.#endIfGone(typist);
        if (isDue && typist.informed.length === 0) this.#tellBegun(typist, undefined, nowMs);
        continue;
      }
      this.#end(typist);
      if (isDue && typist.keptUntil <= nowMs) this.#typists.delete(key);
    }
    this.#changed.clear();
  }

  /** If the participants cannot be read now, the typing ends by its time. */
  async #endIfGone(typist: Typist): Promise<void> {
    const all = await this.#audienceOf(typist);
    if (all.length > 0 && !all.includes(typist.userId)) this.#end(typist);
  }

  async #tellAgain(typist: Typist): Promise<void> {
    const all = await this.#audienceOf(typist);
    if (!all.includes(typist.userId) || endOf(typist) <= steadyMs()) return;
    typist.informed = all;
    this.#tell(typist, all, true);
  }

  async #tellEnded(typist: Typist, informed: readonly UserId[]): Promise<void> {
    const all = await this.#audienceOf(typist);
    this.#tell(
      typist,
      all.filter((userId) => informed.includes(userId)),
      false,
    );
  }

  /**
   * Returns the current participants. They may have changed since the last event, and the typist
   * may have left.
   */
  async #audienceOf({ conversationId: id }: Typist): Promise<readonly UserId[]> {
    const { audiences, logger } = this.#deps;
    try {
      return audiences.known(id) ?? (await audiences.ask(id, steadyMs() + ASK_MS)) ?? [];
    } catch (error) {
      logger.debug({ err: error }, 'typing not told');
      return [];
    }
  }

  #tell(typist: Typist, others: readonly UserId[], isTyping: boolean): void {
    const { conversationId: conversation_id, userId: user_id } = typist;
    const payload = encodeLive({ type: 'typing', conversation_id, user_id, is_typing: isTyping });
    for (const userId of others) if (userId !== user_id) this.#deps.publish(userId, payload);
  }
}

function keyOf({ user_id, conversation_id }: InConversation): ParticipantKey {
  return participantKey(conversation_id, user_id);
}

function endOf({ sessions }: Typist): number {
  return Math.max(0, ...sessions.values());
}

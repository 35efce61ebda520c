import type { InConversation } from '../../../shared/contracts/conversations.ts';
import { encodeLive } from '../../../shared/contracts/events.ts';
import type { TypingInput } from '../../../shared/contracts/router-ops.ts';
import {
  type ConversationId,
  type ParticipantKey,
  participantKey,
  type UserId,
} from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { TypingAudiences } from './typing-audiences.ts';

type Deps = {
  audiences: TypingAudiences;
  /** On `user.<user>`, best effort. */
  publish: (userId: UserId, payload: string) => void;
  logger: Logger;
};

type Typist = {
  userId: UserId;
  conversationId: ConversationId;
  /** That type, and until when; the first one to end comes first. */
  sessions: Map<string, number>;
  /** When others were told that one types. */
  toldAt: number;
  /** Those who believe so: an end is told to nobody else, who may have joined after one left. */
  believers: readonly UserId[];
  /** An end that comes late is known by then. */
  keptUntil: number;
};

const ENDS_AFTER_MS = 5_000;
const TOLD_EVERY_MS = 2_000;
const KEPT_MS = 8_000;
/** Of one user; beyond, the one to end first is forgotten. */
const SESSIONS_MAX = 16;
const ASK_MS = 3_000;
const SWEEP_MS = 100;
/** Beyond, who begins to type is not told of. */
const TYPISTS_MAX = 50_000;

/**
 * Who types where, in memory alone: to the others that take part, `true` at most once in 2 s a
 * conversation and user, `false` once: when one sends, or when none of their sessions types any
 * more: it says so, or 5 s after its last `true`. Edges say so for sockets that close; an edge that
 * dies is covered by the time, a router by the edges: an end that nobody knows of is told.
 */
export class Typing {
  readonly #deps: Deps;
  readonly #typists = new Map<ParticipantKey, Typist>();
  readonly #timer: NodeJS.Timeout;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#sweep(Date.now()), SWEEP_MS);
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

  /** One has sent: nobody waits for it any more. */
  sent(place: InConversation): void {
    const typist = this.#typists.get(keyOf(place));
    if (typist !== undefined) this.#end(typist);
  }

  /** What others believe ends here. */
  close(): void {
    clearInterval(this.#timer);
    for (const typist of this.#typists.values()) this.#end(typist);
    this.#typists.clear();
  }

  #begin(input: TypingInput, others: readonly UserId[]): void {
    const nowMs = Date.now();
    const typist = this.#typists.get(keyOf(input)) ?? this.#add(input);
    if (typist === undefined) return;
    const { sessions } = typist;
    sessions.delete(input.session_id);
    sessions.set(input.session_id, nowMs + ENDS_AFTER_MS);
    if (sessions.size > SESSIONS_MAX) sessions.delete(sessions.keys().next().value as string);
    typist.keptUntil = nowMs + KEPT_MS;
    if (nowMs - typist.toldAt >= TOLD_EVERY_MS) this.#tellBegun(typist, others, nowMs);
  }

  #stop(input: TypingInput, others: readonly UserId[]): void {
    const typist = this.#typists.get(keyOf(input));
    if (typist !== undefined) {
      typist.sessions.delete(input.session_id);
      if (endOf(typist) <= Date.now()) this.#end(typist);
    } else if (input.was_told === true) {
      const ended = this.#add(input);
      if (ended !== undefined) this.#tell(ended, others, false);
    }
  }

  #add({ user_id: userId, conversation_id: conversationId }: InConversation): Typist | undefined {
    if (this.#typists.size >= TYPISTS_MAX) return undefined;
    const keptUntil = Date.now() + KEPT_MS;
    const typist = { sessions: new Map(), toldAt: 0, believers: [], keptUntil };
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
      typist.believers = others;
      this.#tell(typist, others, true);
    }
  }

  /** Stays known: the next `true` is told no sooner than it may be, a late end not once more. */
  #end(typist: Typist): void {
    typist.sessions.clear();
    if (typist.believers.length === 0) return;
    void this.#tellEnded(typist, typist.believers);
    typist.believers = [];
  }

  /** What was held back for its rate is told as soon as it may be, if it is true still. */
  #sweep(nowMs: number): void {
    for (const [key, typist] of this.#typists) {
      const isDue = nowMs - typist.toldAt >= TOLD_EVERY_MS;
      if (endOf(typist) > nowMs) {
        if (isDue && typist.believers.length === 0) this.#tellBegun(typist, undefined, nowMs);
        continue;
      }
      this.#end(typist);
      if (isDue && typist.keptUntil <= nowMs) this.#typists.delete(key);
    }
  }

  async #tellAgain(typist: Typist): Promise<void> {
    const all = await this.#audienceOf(typist);
    if (!all.includes(typist.userId) || endOf(typist) <= Date.now()) return;
    typist.believers = all;
    this.#tell(typist, all, true);
  }

  async #tellEnded(typist: Typist, believers: readonly UserId[]): Promise<void> {
    const all = await this.#audienceOf(typist);
    this.#tell(
      typist,
      all.filter((userId) => believers.includes(userId)),
      false,
    );
  }

  /** Who takes part may have changed since it was told last, the one who types included. */
  async #audienceOf({ conversationId: id }: Typist): Promise<readonly UserId[]> {
    const { audiences, logger } = this.#deps;
    try {
      return audiences.known(id) ?? (await audiences.ask(id, Date.now() + ASK_MS)) ?? [];
    } catch (error) {
      logger.debug({ err: error }, 'typing not told');
      return [];
    }
  }

  #tell(typist: Typist, others: readonly UserId[], isTyping: boolean): void {
    const { conversationId: conversation_id, userId: user_id } = typist;
    const event = { type: 'typing', conversation_id, user_id, is_typing: isTyping };
    const payload = encodeLive(event);
    for (const userId of others) if (userId !== user_id) this.#deps.publish(userId, payload);
  }
}

function keyOf({ user_id, conversation_id }: InConversation): ParticipantKey {
  return participantKey(conversation_id, user_id);
}

function endOf({ sessions }: Typist): number {
  return Math.max(0, ...sessions.values());
}

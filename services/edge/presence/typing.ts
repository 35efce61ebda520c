import type { TypingInput } from '../../../shared/contracts/router-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { RouterClient } from '../routers/router-client.ts';
import type { Session, Typed } from '../session/session.ts';

/**
 * A session may type in this many conversations at once. Beyond, typing in the oldest one ends by
 * its time.
 */
const CONVERSATIONS_MAX = 32;
/** The edge keeps this many ends that no router took. Further ends are not told. */
const ENDS_MAX = 10_000;
/** A request about typing is worth nothing after this time. */
const DEADLINE_MS = 3_000;
/**
 * The edge ends typing after this time. A router that lives ends it earlier, 5 s after the last
 * `true`.
 */
const ENDS_AFTER_MS = 5_500;
const SWEEP_MS = 250;
const REFUSED_BELOW = 500;

/**
 * Passes on where the sessions of this edge type. Routers tell the other participants, and end
 * typing after 5 s without a repeat. The edge ends it when the socket closes, and also after 5.5 s,
 * because a router that died has told nobody of the end. A router that lives knows whether it has.
 */
export class Typing {
  readonly #routers: RouterClient;
  readonly #logger: Logger;
  /** The conversation that is due next stands first. */
  readonly #typed = new Set<Typed>();
  readonly #timer: NodeJS.Timeout;

  constructor(routers: RouterClient, logger: Logger) {
    this.#routers = routers;
    this.#logger = logger;
    this.#timer = setInterval(() => this.#sweep(steadyMs()), SWEEP_MS);
  }

  async tell(session: Session, input: TypingInput): Promise<Record<string, never>> {
    const { conversation_id: id, is_typing: isTyping } = input;
    const before = session.typingIn?.get(id);
    const begun = isTyping ? this.#remember(session, id) : undefined;
    try {
      await this.#ask(isTyping || before === undefined ? input : { ...input, was_told: true });
    } catch (error) {
      if (begun !== undefined && isRefused(error)) this.#forget(begun);
      throw error;
    }
    if (!isTyping && before !== undefined) this.#forget(before);
    if (session.state === 'closed') this.closed(session);
    return {};
  }

  /** The session has sent a message there, which ends its typing. */
  sent(session: Session, id: ConversationId): void {
    const typed = session.typingIn?.get(id);
    if (typed !== undefined) this.#forget(typed);
  }

  closed(session: Session): void {
    for (const typed of [...(session.typingIn?.values() ?? [])]) this.#end(typed);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sweep(nowMs: number): void {
    for (const typed of this.#typed) {
      if (typed.dueAt > nowMs) break;
      this.#end(typed);
    }
  }

  #end(typed: Typed): void {
    this.#forget(typed);
    const { session, conversationId: conversation_id } = typed;
    const { userId, sessionId: session_id } = session;
    if (userId === undefined) return;
    const input = { user_id: userId, conversation_id, session_id, is_typing: false };
    this.#ask({ ...input, was_told: true }).catch((error: unknown) => {
      this.#logger.debug({ err: error }, 'typing not ended');
      if (isRefused(error) || this.#typed.size >= ENDS_MAX) return;
      typed.dueAt = steadyMs() + ENDS_AFTER_MS;
      this.#typed.add(typed);
    });
  }

  #remember(session: Session, conversationId: ConversationId): Typed {
    const before = session.typingIn?.get(conversationId);
    if (before !== undefined) this.#forget(before);
    const typed = { session, conversationId, dueAt: steadyMs() + ENDS_AFTER_MS };
    session.typingIn ??= new Map();
    session.typingIn.set(conversationId, typed);
    this.#typed.add(typed);
    if (session.typingIn.size > CONVERSATIONS_MAX) {
      const [oldest] = session.typingIn.values();
      if (oldest !== undefined) this.#forget(oldest);
    }
    return typed;
  }

  #forget(typed: Typed): void {
    const { session, conversationId } = typed;
    this.#typed.delete(typed);
    if (session.typingIn?.get(conversationId) !== typed) return;
    session.typingIn.delete(conversationId);
    if (session.typingIn.size === 0) session.typingIn = undefined;
  }

  #ask(input: TypingInput): Promise<unknown> {
    const deadlineAt = steadyMs() + DEADLINE_MS;
    return this.#routers.ask('typing', input, { key: input.conversation_id, deadlineAt });
  }
}

/** Tells whether a router refused the request, so that it told nobody. */
function isRefused(error: unknown): boolean {
  return KahaError.from(error).status < REFUSED_BELOW;
}

import type { ConversationId } from '../../shared/ids.ts';
import type { Logger } from '../../shared/logger.ts';
import type { TypingInput } from '../../shared/rpc.ts';
import type { RouterClient } from './router-client.ts';
import type { Session } from './session.ts';

/** Where one types at once; beyond, the longest known ends by its time. */
const CONVERSATIONS_MAX = 32;
/** Nobody waits for what is later. */
const DEADLINE_MS = 3_000;

/** Typing of the sessions here: the routers tell it, and end it when its socket closes. */
export class Typing {
  readonly #routers: RouterClient;
  readonly #logger: Logger;

  constructor(routers: RouterClient, logger: Logger) {
    this.#routers = routers;
    this.#logger = logger;
  }

  async tell(session: Session, input: TypingInput): Promise<Record<string, never>> {
    const { conversation_id: id, is_typing: isTyping } = input;
    await this.#ask(input);
    if (!isTyping) session.typingIn?.delete(id);
    else remember(session, id);
    if (session.state === 'closed') this.closed(session);
    return {};
  }

  closed(session: Session): void {
    const { typingIn, userId, sessionId } = session;
    session.typingIn = undefined;
    if (typingIn === undefined || userId === undefined) return;
    for (const conversation_id of typingIn) {
      const input = { user_id: userId, conversation_id, session_id: sessionId, is_typing: false };
      // It ends by its time then.
      this.#ask(input).catch((error) => this.#logger.debug({ err: error }, 'typing not ended'));
    }
  }

  #ask(input: TypingInput): Promise<unknown> {
    const request = { op: 'typing', ...input } as const;
    const deadlineAt = Date.now() + DEADLINE_MS;
    return this.#routers.ask({ key: input.conversation_id, request, deadlineAt });
  }
}

function remember(session: Session, id: ConversationId): void {
  session.typingIn ??= new Set();
  session.typingIn.add(id);
  if (session.typingIn.size <= CONVERSATIONS_MAX) return;
  const [oldest] = session.typingIn;
  if (oldest !== undefined) session.typingIn.delete(oldest);
}

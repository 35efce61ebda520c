import { newId } from '../../shared/ids.ts';
import type { ConversationShape } from '../../shared/protocol/shapes.ts';
import type { Purpose } from './chat-options.ts';
import type { ChatSocket, Frame } from './chat-socket.ts';
import {
  type BusinessPresence,
  learnNames,
  messageLine,
  type Names,
  presenceLine,
  type ShownMessage,
} from './event-lines.ts';

type TalkParts = {
  socket: ChatSocket;
  userId: string;
  /** Prints one line. */
  write(line: string): void;
};
type TalkPurpose = Exclude<Purpose, { kind: 'agent' }>;

const HISTORY = 10;

/**
 * Starts to talk as one of the people of a conversation: with somebody, in a group, or with a
 * business. Without any of them a line answers whoever wrote last. Resolves with the function that
 * sends a line.
 */
export async function startTalk(parts: TalkParts, purpose: TalkPurpose) {
  const talk = new Talk(parts, purpose.kind === 'listen');
  await talk.start(purpose);
  return (content: string): Promise<void> => talk.line(content);
}

class Talk {
  readonly #parts: TalkParts;
  readonly #names: Names = new Map();
  /** Lines go to the conversation in which somebody wrote last. */
  readonly #isAnswering: boolean;
  #conversationId: string | undefined;
  /** The last message of `#conversationId` that was shown has this seq. */
  #shownSeq = 0;

  constructor(parts: TalkParts, isAnswering: boolean) {
    this.#parts = parts;
    this.#isAnswering = isAnswering;
  }

  /** Opens the conversation, and shows what was said last. */
  async start(purpose: TalkPurpose): Promise<void> {
    const { socket, write } = this.#parts;
    socket.listen((event) => this.#show(event));
    if (purpose.kind === 'listen') return;
    const conversation = await socket.ask<ConversationShape>({
      ...{ type: 'create_conversation', conversation: conversationInput(purpose) },
    });
    this.#conversationId = conversation.conversation_id;
    learnNames(this.#names, conversation);
    if (purpose.kind !== 'customer') return;
    await this.#showHistory();
    const { businessId } = purpose;
    const watch = { type: 'presence_watch', business_ids: [businessId] };
    const { presence } = await socket.ask<{ presence: [BusinessPresence] }>(watch);
    write(presenceLine(presence[0], this.#nameOf(businessId)));
  }

  /** Sends a line that somebody typed. */
  async line(content: string): Promise<void> {
    if (this.#conversationId === undefined) return this.#parts.write('Nobody wrote yet.');
    const message = { client_msg_id: newId(), conversation_id: this.#conversationId, content };
    await this.#parts.socket.ask({ type: 'message', ...message });
  }

  #show(event: Frame): void {
    const line = this.#eventLine(event);
    if (line !== undefined) this.#parts.write(line);
  }

  /** Returns one line for an event that a person wants to see, and undefined for the others. */
  #eventLine(event: Frame): string | undefined {
    switch (event.type) {
      case 'auth_ok':
        return `connected as ${this.#parts.userId}, resumed: ${String(event.resumed)}`;
      case 'message':
        return this.#messageLine(event as Frame & ShownMessage);
      case 'conversation':
        learnNames(this.#names, event.conversation as ConversationShape);
        return undefined;
      case 'presence': {
        const { business_id: businessId } = event;
        if (typeof businessId !== 'string') return undefined;
        return presenceLine(event as Frame & BusinessPresence, this.#nameOf(businessId));
      }
      case 'error':
        return `error: ${JSON.stringify(event.error)}`;
      default:
        return undefined;
    }
  }

  async #showHistory(): Promise<void> {
    const asked = { type: 'history', conversation_id: this.#conversationId, limit: HISTORY };
    const { messages } = await this.#parts.socket.ask<{ messages: ShownMessage[] }>(asked);
    for (const message of messages) {
      const line = this.#messageLine(message);
      if (line !== undefined) this.#parts.write(line);
    }
  }

  /** Returns undefined for a message that was shown already. */
  #messageLine(message: ShownMessage): string | undefined {
    const { conversation_id: id, seq } = message;
    if (this.#isAnswering) this.#conversationId = id;
    else if (id === this.#conversationId) {
      if (seq <= this.#shownSeq) return undefined;
      this.#shownSeq = seq;
    }
    return messageLine(message, { me: this.#parts.userId, names: this.#names });
  }

  #nameOf(businessId: string): string {
    return this.#names.get(businessId) ?? 'The business';
  }
}

function conversationInput(purpose: Exclude<TalkPurpose, { kind: 'listen' }>): object {
  if (purpose.kind === 'customer') return { type: 'business', business_id: purpose.businessId };
  const { userIds } = purpose;
  return { type: userIds.length === 1 ? 'direct' : 'group', participant_ids: userIds };
}

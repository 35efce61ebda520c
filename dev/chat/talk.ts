import type {
  ChatClient,
  Conversation,
  ConversationInput,
  Message,
} from '../../clients/js/src/index.ts';
import type { Purpose } from './chat-options.ts';
import { learnNames, messageLine, type Names, nameLine, presenceLine } from './event-lines.ts';

type TalkParts = {
  chat: ChatClient;
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

  /** Connects, opens the conversation, and shows what was said last. */
  async start(purpose: TalkPurpose): Promise<void> {
    const { chat, userId, write } = this.#parts;
    chat.on('message', (message) => this.#show(message));
    chat.on('conversation', ({ conversation }) => learnNames(this.#names, conversation));
    await chat.connect();
    write(`connected as ${this.#nameOf(userId)}`);
    if (purpose.kind === 'listen') return write('A line answers whoever wrote last.');
    const conversation = await chat.createConversation(conversationInput(purpose));
    this.#conversationId = conversation.conversation_id;
    learnNames(this.#names, conversation);
    write(`You talk with ${this.#othersOf(conversation)}.`);
    if (purpose.kind === 'customer') await this.#meet(purpose.businessId);
  }

  /** Sends a line that somebody typed. */
  async line(content: string): Promise<void> {
    const { chat, write } = this.#parts;
    if (this.#conversationId === undefined) return write('Nobody wrote yet.');
    await chat.send({ conversation_id: this.#conversationId, content }).acknowledged;
  }

  /** Shows what was said to a business before, and whether it is there. */
  async #meet(businessId: string): Promise<void> {
    const { chat, write } = this.#parts;
    await this.#showHistory();
    const name = this.#names.get(businessId) ?? 'The business';
    const told = new Promise<void>((resolve) => {
      chat.on('presence', (presence) => {
        if (presence.business_id !== businessId) return;
        write(presenceLine(presence, name));
        resolve();
      });
    });
    chat.watch(`business:${businessId}`);
    await told;
  }

  async #showHistory(): Promise<void> {
    const asked = { conversation_id: this.#conversationId as string, limit: HISTORY };
    const { messages } = await this.#parts.chat.history(asked);
    for (const message of messages) this.#show(message);
  }

  /** Shows a message that was not shown yet. */
  #show(message: Message): void {
    const { conversation_id: id, seq } = message;
    if (this.#isAnswering) this.#conversationId = id;
    else if (id === this.#conversationId) {
      if (seq <= this.#shownSeq) return;
      this.#shownSeq = seq;
    }
    this.#parts.write(messageLine(message, { me: this.#parts.userId, names: this.#names }));
  }

  #othersOf({ participants, business_id: businessId }: Conversation): string {
    if (businessId !== undefined) return this.#names.get(businessId) ?? 'the business';
    const others = participants.filter(({ user_id: id }) => id !== this.#parts.userId);
    return others.map(({ user_id: id }) => this.#nameOf(id)).join(', ');
  }

  #nameOf(userId: string): string {
    return nameLine(userId, { me: '', names: this.#names });
  }
}

function conversationInput(purpose: Exclude<TalkPurpose, { kind: 'listen' }>): ConversationInput {
  if (purpose.kind === 'customer') return { type: 'business', business_id: purpose.businessId };
  const participant_ids = [...purpose.userIds];
  return { type: participant_ids.length === 1 ? 'direct' : 'group', participant_ids };
}

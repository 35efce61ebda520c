import { Businesses } from '../../clients/js/src/business/index.ts';
import type {
  ChatClient,
  ChatEvents,
  Conversation,
  InboxCounts,
  InboxPage,
  InboxView,
  Message,
} from '../../clients/js/src/index.ts';
import { COMMANDS_HELP, type CommandName, readCommand } from './desk-commands.ts';
import { type DeskConversation, DeskConversations } from './desk-conversations.ts';
import { customerOf, learnNames, messageLine, type Names, problemLine } from './event-lines.ts';
import { shownUser, userIdOf } from './named.ts';

type DeskParts = {
  chat: ChatClient;
  userId: string;
  businessId: string;
  /** Prints one line. */
  write(line: string): void;
  quit(): void;
};

const HISTORY = 10;

/**
 * Starts the desk at which an agent works. The agent sees who waits, is given conversations or
 * takes them, and answers the one at hand. Resolves with the function that carries out a line.
 */
export async function startDesk(parts: DeskParts) {
  const desk = new Desk(parts);
  await desk.start();
  return (text: string): Promise<void> => desk.line(text);
}

class Desk {
  readonly #parts: DeskParts;
  readonly #businesses: Businesses;
  readonly #names: Names = new Map();
  readonly #conversations: DeskConversations;
  /** The last message of each conversation that was shown has this seq. */
  readonly #shownSeq = new Map<string, number>();
  /** These messages came while the history of their conversation was read. */
  readonly #held = new Map<string, Message[]>();
  readonly #waits: (() => void)[] = [];
  /** The line goes to this conversation. */
  #atHand: DeskConversation | undefined;
  #version = 0;
  #counts = '';

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#businesses = new Businesses(parts.chat);
    this.#conversations = new DeskConversations(parts.userId);
  }

  /** Connects, makes the agent available, and shows the inbox. */
  async start(): Promise<void> {
    const { chat, businessId, userId, write } = this.#parts;
    chat.on('message', (message) => this.#takeMessage(message));
    chat.on('conversation', ({ conversation }) => this.#takeConversation(conversation));
    chat.on('inbox', (event) => this.#takeInbox(event));
    await chat.connect();
    write(`connected as ${shownUser(userId)}`);
    await this.#setStatus('available');
    chat.watch(`inbox:${businessId}`);
    await this.#commands.list([]);
  }

  /** Carries out a line that the agent typed. */
  async line(text: string): Promise<void> {
    const command = readCommand(text);
    if (command !== undefined) return this.#commands[command.name](command.words);
    const { conversation_id } = this.#chosen().conversation;
    await this.#parts.chat.send({ conversation_id, content: text }).acknowledged;
  }

  readonly #commands: Record<CommandName, (words: string[]) => Promise<void>> = {
    list: async () => {
      await this.#showView('waiting', 'Nobody waits.');
      await this.#showView('mine', 'You have no conversation.');
    },
    closed: () => this.#showView('closed', 'None is closed.'),
    assigned: () => this.#showView('assigned', 'Nobody has a conversation.'),
    take: async ([number]) => {
      const { conversation } =
        number === undefined ? await this.#firstWaiting() : this.#conversations.byNumber(number);
      await this.#step(conversation, (id) => this.#businesses.assign(id));
    },
    to: async ([number = '']) => {
      const chosen = this.#conversations.byNumber(number);
      this.#atHand = chosen;
      await this.#showHistory(chosen, true);
    },
    transfer: ([agent = '', number]) => {
      const to = { agent_id: userIdOf(agent) };
      const { conversation } = this.#chosen(number);
      return this.#step(conversation, (id) => this.#businesses.assign(id, to));
    },
    release: ([number]) =>
      this.#step(this.#chosen(number).conversation, (id) => this.#businesses.release(id)),
    close: ([number]) =>
      this.#step(this.#chosen(number).conversation, (id) => this.#businesses.close(id)),
    reopen: ([number = '']) => {
      const { conversation } = this.#conversations.byNumber(number);
      return this.#step(conversation, (id) => this.#businesses.reopen(id));
    },
    agents: () => this.#showAgents(),
    available: () => this.#setStatus('available'),
    away: () => this.#setStatus('away'),
    offline: () => this.#setStatus('offline'),
    wait: async () => {
      if (this.#conversations.mine().length > 0) return;
      await new Promise<void>((resolve) => this.#waits.push(resolve));
    },
    help: async () => this.#parts.write(COMMANDS_HELP),
    quit: async () => this.#parts.quit(),
  };

  /** Returns the conversation with the number, or without one that at hand. */
  #chosen(number?: string): DeskConversation {
    if (number !== undefined) return this.#conversations.byNumber(number);
    if (this.#atHand === undefined)
      throw new Error('No conversation is at hand: /take or /to one.');
    return this.#atHand;
  }

  async #firstWaiting(): Promise<DeskConversation> {
    const { conversations } = await this.#read('waiting');
    const [longest] = conversations;
    if (longest === undefined) throw new Error('Nobody waits.');
    return this.#note(longest);
  }

  async #step(
    { conversation_id: id }: Conversation,
    step: (conversationId: string) => Promise<Conversation>,
  ): Promise<void> {
    this.#note(await step(id));
  }

  async #setStatus(status: 'available' | 'away' | 'offline'): Promise<void> {
    const { businessId, write } = this.#parts;
    const set = await this.#businesses.setAvailability(businessId, status);
    write(`You are ${set.status}.`);
  }

  async #read(view: InboxView): Promise<InboxPage> {
    const { chat, businessId } = this.#parts;
    const inbox = await chat.query('inbox', { business_id: businessId, view });
    this.#version = Math.max(this.#version, inbox.version);
    return inbox;
  }

  async #showView(view: InboxView, none: string): Promise<void> {
    const { conversations } = await this.#read(view);
    if (conversations.length === 0) this.#parts.write(none);
    for (const conversation of conversations) {
      const known = this.#note(conversation, { isTold: false });
      this.#parts.write(`${this.#label(known)}: ${this.#about(conversation)}`);
    }
  }

  #label({ number, conversation }: DeskConversation): string {
    return `${number} ${customerOf(conversation, this.#names)}`;
  }

  #about(conversation: Conversation): string {
    const {
      state,
      assignee_id: assigneeId,
      waiting_since: since,
      last_message: last,
    } = conversation;
    const holder = assigneeId === this.#parts.userId ? 'you' : assigneeId && shownUser(assigneeId);
    const how = holder === undefined ? state : `with ${holder}`;
    const text = last === undefined ? '' : ` — ${last.content}`;
    return `${how}${since === undefined ? '' : ` since ${since}`}${text}`;
  }

  async #showAgents(): Promise<void> {
    const { businessId, write } = this.#parts;
    const { agents } = await this.#businesses.agents(businessId);
    for (const { user_id: id, role, status, open } of agents) {
      write(`${id} ${shownUser(id)}, ${role}: ${status}, has ${open}`);
    }
  }

  /**
   * Shows what was said last, again or only what was not shown yet. Messages that come meanwhile
   * are shown after it.
   */
  async #showHistory({ conversation }: DeskConversation, isAgain: boolean): Promise<void> {
    const { conversation_id: id } = conversation;
    if (this.#held.has(id)) return;
    const held: Message[] = [];
    this.#held.set(id, held);
    try {
      const asked = { conversation_id: id, limit: HISTORY };
      const { messages } = await this.#parts.chat.history(asked);
      if (isAgain) this.#shownSeq.delete(id);
      for (const message of messages) this.#showMessage(message);
    } finally {
      this.#held.delete(id);
      for (const message of held) this.#showMessage(message);
    }
  }

  /** Before a conversation is the agent's, nothing of it is shown, because its history will be. */
  #takeMessage(message: Message): void {
    const { conversation_id: id } = message;
    const known = this.#conversations.byId(id);
    if (known === undefined || !this.#conversations.isMine(known.conversation)) return;
    const held = this.#held.get(id);
    if (held === undefined) this.#showMessage(message);
    else held.push(message);
  }

  #showMessage(message: Message): void {
    const { conversation_id: id, seq } = message;
    if (seq <= (this.#shownSeq.get(id) ?? 0)) return;
    this.#shownSeq.set(id, seq);
    const known = this.#conversations.byId(id);
    const line = messageLine(message, { me: this.#parts.userId, names: this.#names });
    this.#parts.write(known === undefined ? line : `[${this.#label(known)}] ${line}`);
  }

  #takeConversation(conversation: Conversation): void {
    if (conversation.business_id === this.#parts.businessId) this.#note(conversation);
  }

  #takeInbox(event: ChatEvents['inbox']): void {
    const { version, conversation, conversation_id: id, counts } = event;
    if (event.business_id !== this.#parts.businessId) return;
    // Nothing was missed before the first version that is known.
    const isGap = this.#version > 0 && version > this.#version + 1;
    this.#version = Math.max(this.#version, version);
    if (conversation !== undefined) this.#note(conversation);
    else if (id !== undefined) this.#miss(this.#conversations.drop(id));
    if (counts !== undefined) this.#showCounts(counts);
    if (isGap) this.#inBackground(this.#readAgain());
  }

  /** Changes were missed, so the lists tell what holds now. */
  async #readAgain(): Promise<void> {
    for (const view of ['waiting', 'mine'] as const) {
      for (const conversation of (await this.#read(view)).conversations) this.#note(conversation);
    }
  }

  #showCounts({ waiting, assigned, mine }: InboxCounts): void {
    const counts = `${waiting} waiting, ${assigned} assigned, ${mine} yours`;
    if (counts !== this.#counts) this.#parts.write(`(${counts})`);
    this.#counts = counts;
  }

  /** Takes note of a conversation, and unless it is told otherwise tells what has changed. */
  #note(conversation: Conversation, { isTold = true } = {}): DeskConversation {
    learnNames(this.#names, conversation);
    const { known, turn } = this.#conversations.note(conversation);
    if (turn === 'lost') this.#lose(known, conversation.state ?? 'gone');
    if (turn === 'waits' && isTold) {
      this.#parts.write(`${this.#label(known)}: ${this.#about(conversation)}`);
    }
    if (turn === 'mine') this.#win(known, isTold);
    return known;
  }

  #win(known: DeskConversation, isTold: boolean): void {
    this.#atHand ??= known;
    if (isTold) this.#parts.write(`${this.#label(known)}: you have it`);
    this.#inBackground(this.#showHistory(known, false));
    for (const resolve of this.#waits.splice(0)) resolve();
  }

  #lose(known: DeskConversation, now: string): void {
    this.#parts.write(`${this.#label(known)}: yours no more, ${now}`);
    if (this.#atHand === known) [this.#atHand] = this.#conversations.mine();
  }

  /** Somebody else has a conversation, so the agent may not see it any more. */
  #miss(known: DeskConversation | undefined): void {
    if (known === undefined) return;
    if (this.#conversations.isMine(known.conversation)) this.#lose(known, 'somebody else has it');
    else this.#parts.write(`${this.#label(known)}: waits no more`);
  }

  /** Nobody waits for this, so its failure is a line as well. */
  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.#parts.write(problemLine(error)));
  }
}

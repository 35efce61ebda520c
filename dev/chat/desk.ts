import { fetch } from 'undici';
import { newId } from '../../shared/ids.ts';
import type { AgentShape } from '../../shared/protocol/business-shapes.ts';
import type { InboxCounts } from '../../shared/protocol/inbox-shapes.ts';
import type { ConversationShape } from '../../shared/protocol/shapes.ts';
import type { ChatSocket, Frame } from './chat-socket.ts';
import { COMMANDS_HELP, type CommandName, readCommand } from './desk-commands.ts';
import { type DeskConversation, DeskConversations } from './desk-conversations.ts';
import {
  customerOf,
  learnNames,
  messageLine,
  type Names,
  type ShownMessage,
} from './event-lines.ts';
import { shownUser, userIdOf } from './named.ts';

type DeskParts = {
  socket: ChatSocket;
  userId: string;
  businessId: string;
  /** The agents of a business are read over REST. */
  edgeUrl: string;
  token: string;
  /** Prints one line. */
  write(line: string): void;
  quit(): void;
};
type View = 'waiting' | 'mine' | 'assigned' | 'closed';
type Inbox = { conversations: ConversationShape[]; version: number; counts: InboxCounts };
type InboxEvent = Frame & {
  version: number;
  conversation_id?: string;
  conversation?: ConversationShape;
  counts?: InboxCounts;
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
  readonly #names: Names = new Map();
  readonly #conversations: DeskConversations;
  /** The last message of each conversation that was shown has this seq. */
  readonly #shownSeq = new Map<string, number>();
  /** These messages came while the history of their conversation was read. */
  readonly #held = new Map<string, ShownMessage[]>();
  readonly #waits: (() => void)[] = [];
  /** The line goes to this conversation. */
  #atHand: DeskConversation | undefined;
  #version = 0;
  #counts = '';

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#conversations = new DeskConversations(parts.userId);
  }

  /** Makes the agent available, and shows the inbox. */
  async start(): Promise<void> {
    const { socket, businessId } = this.#parts;
    socket.listen((event) => this.#take(event));
    await this.#setStatus('available');
    const watch = { type: 'inbox_watch', business_id: businessId };
    this.#version = (await socket.ask<Inbox>(watch)).version;
    await this.#commands.list([]);
  }

  /** Carries out a line that the agent typed. */
  async line(text: string): Promise<void> {
    const command = readCommand(text);
    if (command !== undefined) return this.#commands[command.name](command.words);
    const { conversation_id } = this.#chosen().conversation;
    const message = { client_msg_id: newId(), conversation_id, content: text };
    await this.#parts.socket.ask({ type: 'message', ...message });
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
      await this.#step('assign', conversation);
    },
    to: async ([number = '']) => {
      const chosen = this.#conversations.byNumber(number);
      this.#atHand = chosen;
      await this.#showHistory(chosen, true);
    },
    transfer: ([agent = '', number]) =>
      this.#step('assign', this.#chosen(number).conversation, { agent_id: userIdOf(agent) }),
    release: ([number]) => this.#step('release', this.#chosen(number).conversation),
    close: ([number]) => this.#step('close', this.#chosen(number).conversation),
    reopen: ([number = '']) =>
      this.#step('reopen', this.#conversations.byNumber(number).conversation),
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

  async #step(type: string, { conversation_id }: ConversationShape, more: object = {}) {
    const asked = { type, conversation_id, ...more };
    this.#note(await this.#parts.socket.ask<ConversationShape>(asked));
  }

  async #setStatus(status: string): Promise<void> {
    const { socket, businessId, write } = this.#parts;
    type Set = { status: string; is_available: boolean };
    const asked = { type: 'availability', business_id: businessId, status };
    const set = await socket.ask<Set>(asked);
    write(`You are ${set.status}.`);
  }

  async #read(view: View): Promise<Inbox> {
    const { socket, businessId } = this.#parts;
    const inbox = await socket.ask<Inbox>({ type: 'inbox', business_id: businessId, view });
    this.#version = Math.max(this.#version, inbox.version);
    return inbox;
  }

  async #showView(view: View, none: string): Promise<void> {
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

  #about(conversation: ConversationShape): string {
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
    const { edgeUrl, token, businessId, write } = this.#parts;
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${edgeUrl}/api/v1/businesses/${businessId}/agents`, { headers });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    const { agents } = (await response.json()) as { agents: AgentShape[] };
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
    const held: ShownMessage[] = [];
    this.#held.set(id, held);
    try {
      const asked = { type: 'history', conversation_id: id, limit: HISTORY };
      const { messages } = await this.#parts.socket.ask<{ messages: ShownMessage[] }>(asked);
      if (isAgain) this.#shownSeq.delete(id);
      for (const message of messages) this.#showMessage(message);
    } finally {
      this.#held.delete(id);
      for (const message of held) this.#showMessage(message);
    }
  }

  /** Before a conversation is the agent's, nothing of it is shown, because its history will be. */
  #takeMessage(message: ShownMessage): void {
    const { conversation_id: id } = message;
    const known = this.#conversations.byId(id);
    if (known === undefined || !this.#conversations.isMine(known.conversation)) return;
    const held = this.#held.get(id);
    if (held === undefined) this.#showMessage(message);
    else held.push(message);
  }

  #showMessage(message: ShownMessage): void {
    const { conversation_id: id, seq } = message;
    if (seq <= (this.#shownSeq.get(id) ?? 0)) return;
    this.#shownSeq.set(id, seq);
    const known = this.#conversations.byId(id);
    const line = messageLine(message, { me: this.#parts.userId, names: this.#names });
    this.#parts.write(known === undefined ? line : `[${this.#label(known)}] ${line}`);
  }

  #take(event: Frame): void {
    switch (event.type) {
      case 'auth_ok':
        this.#parts.write(`connected as ${shownUser(this.#parts.userId)}`);
        break;
      case 'message':
        this.#takeMessage(event as Frame & ShownMessage);
        break;
      case 'conversation':
        this.#takeConversation(event.conversation as ConversationShape);
        break;
      case 'inbox':
        this.#takeInbox(event as InboxEvent);
        break;
      case 'error':
        this.#parts.write(`error: ${JSON.stringify(event.error)}`);
        break;
    }
  }

  #takeConversation(conversation: ConversationShape): void {
    if (conversation.business_id === this.#parts.businessId) this.#note(conversation);
  }

  #takeInbox(event: InboxEvent): void {
    const { version, conversation, conversation_id: id, counts } = event;
    const isGap = version > this.#version + 1;
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
  #note(conversation: ConversationShape, { isTold = true } = {}): DeskConversation {
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
    work.catch((error: unknown) => this.#parts.write((error as Error).message));
  }
}

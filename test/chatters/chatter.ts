import { WebSocket } from 'undici';
import { ChatClient, type ChatOptions, type Message } from '../../clients/js/src/index.ts';
import { ChatStore } from '../../clients/js/src/store/index.ts';
import { until } from '../../dev/testing/until.ts';
import type { Person, System } from '../stage/stack.ts';

type Options = Partial<ChatOptions> & { edge?: number };
type Told = Message & { isLate: boolean };

/** Somebody who chats with the client of `clients/js`, and writes down what they are told. */
export class Chatter {
  readonly person: Person;
  readonly chat: ChatClient;
  readonly store: ChatStore;
  /** The client told of these messages, in this order. */
  readonly told: Told[] = [];
  readonly errors: unknown[] = [];
  readonly states: string[] = [];
  catchUps = 0;

  constructor(system: System, person: Person, { edge = 1, ...options }: Options = {}) {
    this.person = person;
    this.chat = new ChatClient({
      url: system.stack.urls.edges[edge - 1] as string,
      getToken: () => person.token,
      deviceId: 'phone',
      WebSocket,
      ...options,
    });
    this.store = new ChatStore(this.chat);
    this.chat.on('message', (message) => this.told.push(message));
    this.chat.on('error', (error) => this.errors.push(error));
    this.chat.on('state', ({ status }) => this.states.push(status));
    this.chat.on('caught_up', () => {
      this.catchUps += 1;
    });
  }

  /** Resolves once the device queue surely exists. */
  async join(): Promise<this> {
    await this.chat.connect();
    await until('the replay is over', () => this.catchUps > 0);
    return this;
  }

  /** Resolves once the client was told of this many messages of a conversation. */
  async hears(conversationId: string, count: number, waitMs?: number): Promise<Told[]> {
    const told = (): Told[] => this.told.filter((one) => one.conversation_id === conversationId);
    await until(`${count} messages`, () => told().length >= count, waitMs);
    return told();
  }

  /** The status and the content of each message that is shown, in this order. */
  shown(conversationId: string): string[] {
    const { messages } = this.store.messages(conversationId).value;
    return messages.map(({ content, status }) => [status, content].filter(Boolean).join(' '));
  }
}

/** Resolves with people who are there, each with a new device. */
export function join(system: System, people: readonly Person[], options: Options = {}) {
  return Promise.all(people.map((person) => new Chatter(system, person, options).join()));
}

import type { ChatApi } from '../chat-api.ts';
import { ChatClient } from '../client.ts';
import type { ChatEvents } from '../delivery/chat-events.ts';
import type { ChatOptions } from '../options.ts';
import type { Fetch, Platform } from '../platform/platform.ts';
import type { Conversation, Message } from '../protocol/shapes.ts';
import { settled, VirtualPlatform } from './virtual-platform.ts';

export const ANN = '11111111-1111-4111-8111-111111111111';
export const BOB = '22222222-2222-4222-8222-222222222222';
export const CONVERSATION = '33333333-3333-4333-8333-333333333333';
const AT = '2026-11-21T10:00:00.000Z';

type Frame = Record<string, unknown> & { type: string };
type Answers = Record<string, (frame: Frame) => object | undefined>;

/** A token that names its user, and ends far in the future. */
export function tokenOf(userId: string): string {
  const claims = { sub: userId, exp: 4_000_000_000 };
  return `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
}

export function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    ...{ message_id: `m${seq}`, conversation_id: CONVERSATION, seq, version: 1, sender_id: BOB },
    ...{ content: `text ${seq}`, message_type: 'text', sent_at: AT },
    ...more,
  };
}

export function conversation(more: Partial<Conversation> = {}): Conversation {
  const participant = { role: 'member', joined_at: AT, delivered_seq: 0, read_seq: 0 } as const;
  return {
    ...{ conversation_id: CONVERSATION, type: 'direct', name: 'Bob', version: 1 },
    participants: [
      { ...participant, user_id: ANN, name: 'Ann' },
      { ...participant, user_id: BOB, name: 'Bob' },
    ],
    ...{ first_seq: 1, last_seq: 0, last_read_seq: 0, unread: 0, is_muted: false },
    ...{ created_at: AT, last_activity: AT },
    ...more,
  };
}

/**
 * A client whose time and server are the test's. `answers` says what the server answers to a frame,
 * and a frame without an answer waits.
 */
export class ChatScene {
  readonly virtual: VirtualPlatform;
  readonly chat: ChatApi;
  answers: Answers = {};
  /** The events that the application was told, by type. */
  readonly told: { [Type in keyof ChatEvents]?: ChatEvents[Type][] } = {};
  #answered = 0;

  constructor(options: Partial<ChatOptions> = {}, surroundings: Partial<Platform> = {}) {
    this.virtual = new VirtualPlatform(surroundings);
    const url = 'https://chat.example.com/';
    const getToken = (): string => tokenOf(ANN);
    this.chat = new ChatClient({ url, getToken, ...options }, this.virtual.platform);
  }

  /** Writes down the events of these types. */
  listen(...types: (keyof ChatEvents)[]): this {
    for (const type of types) {
      const list: unknown[] = [];
      this.told[type] = list as never;
      this.chat.on(type, (event) => list.push(event));
    }
    return this;
  }

  /** Connects, and resolves once there is a session. */
  async connect(): Promise<this> {
    void this.chat.connect();
    await this.session();
    return this;
  }

  /** The server accepts the newest socket. */
  async session({ userId = ANN, resumed = true } = {}): Promise<void> {
    await this.virtual.pass(600);
    this.#answered = 0;
    await this.virtual.socket.open();
    await this.virtual.socket.say({
      ...{ type: 'auth_ok', user_id: userId, device_id: 'phone', session_id: 's', resumed },
      ...{ heartbeat_interval_ms: 15_000, server_time: AT },
    });
    await this.answer();
  }

  /** The server says something, and answers what the client asks then. */
  async say(...frames: object[]): Promise<void> {
    for (const frame of frames) await this.virtual.socket.say(frame);
    await this.answer();
  }

  /** Answers all that the client has asked for. */
  async answer(): Promise<void> {
    await settled();
    const { socket } = this.virtual;
    while (this.#answered < socket.sent.length) {
      const frame = socket.sent[this.#answered] as Frame;
      this.#answered += 1;
      if (frame.type === 'ping') await socket.say({ type: 'pong' });
      const answer = this.answers[frame.type]?.(frame);
      if (answer === undefined) continue;
      const isError = 'error' in answer;
      const reply = isError ? { type: 'error', ...answer } : { type: 'reply', data: answer };
      await socket.say({ ...reply, id: frame.id });
    }
  }

  /** Lets time pass in steps, in which the server answers. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      await this.virtual.pass(Math.min(left, 100));
      await this.answer();
    }
  }

  /** The acknowledgements that the client has sent on this socket. */
  get acks(): unknown[] {
    return this.virtual.socket.sentOf('ack').map(({ q }) => q);
  }
}

/** Returns a REST server that answers with these, by method and path. */
export function restServer(answers: Record<string, unknown>) {
  const calls: { what: string; body: unknown }[] = [];
  const fetch: Fetch = async (url, { method, body }) => {
    const what = `${method} ${new URL(url).pathname.replace('/api/v1', '')}`;
    calls.push({ what, body: body && JSON.parse(body) });
    const answer = answers[what];
    const text = answer === undefined ? '' : JSON.stringify(answer);
    return {
      status: answer === undefined ? 204 : 200,
      headers: { get: () => null },
      text: async () => text,
    };
  };
  return { calls, fetch };
}

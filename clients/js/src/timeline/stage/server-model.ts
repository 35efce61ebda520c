import type { MessageUpdate } from '../../protocol/events.ts';
import type { Message } from '../../protocol/shapes.ts';
import type { Gap } from '../order.ts';
import type { Random } from './random.ts';

export const CONVERSATIONS = ['first', 'second'] as const;
export type Name = (typeof CONVERSATIONS)[number];
export const OWN = 'own user';

/** An event of the device queue has the number `q` in the session that it was sent in. */
export type QueueEvent = { name: Name; q: number } & (
  | { is: 'message'; message: Message }
  | { is: 'update'; update: MessageUpdate }
);
type Unsent = Omit<QueueEvent & { is: 'message' }, 'q'> | Omit<QueueEvent & { is: 'update' }, 'q'>;

/**
 * The server as the contract describes it, as far as one device sees it: histories, and a queue
 * that sends again what was not acknowledged, possibly behind newer events.
 */
export class ServerModel {
  readonly logs: Record<Name, Message[]> = { first: [], second: [] };
  /** These messages are in no history any more, though their events may still come. */
  readonly gone = new Set<Message>();
  readonly #random: Random;
  #unsent: Unsent[] = [];
  #unacknowledged: QueueEvent[] = [];
  #lastQ = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get isDrained(): boolean {
    return this.#unsent.length === 0 && this.#unacknowledged.length === 0;
  }

  /** Commits a message, or returns the one that has this `client_msg_id`. */
  commit(name: Name, senderId: string, clientMsgId: string): Message {
    const log = this.logs[name];
    const known = log.find((message) => message.client_msg_id === clientMsgId);
    if (known !== undefined) return known;
    const seq = log.length + 1;
    const message: Message = {
      ...{ message_id: `${name} ${seq}`, conversation_id: name, seq, version: 1 },
      ...{ sender_id: senderId, client_msg_id: clientMsgId, content: `text ${seq}` },
      ...{ message_type: 'text', sent_at: '2026-11-21T10:00:00.000Z' },
    };
    log.push(message);
    this.#unsent.push({ name, is: 'message', message });
    return message;
  }

  change(name: Name): void {
    const log = this.logs[name];
    const index = this.#random.below(log.length);
    const before = log[index];
    if (before === undefined || this.gone.has(before)) return;
    const version = before.version + 1;
    const message: Message = { ...before, version, content: `${before.content} ${version}` };
    log[index] = message;
    const { message_id, conversation_id, seq, content = '' } = message;
    const same = { message_id, conversation_id, seq, version, content };
    this.#unsent.push({ name, is: 'update', update: { ...same, change: 'edited' } });
  }

  /** The message falls out of history, as one does that is too old. */
  erase(name: Name): void {
    const log = this.logs[name];
    const message = log[this.#random.below(log.length)];
    if (message !== undefined) this.gone.add(message);
  }

  /** Sends the next event, or sometimes one behind it or one that was sent already. */
  send(): QueueEvent | undefined {
    const { below, chance } = this.#random;
    const repeated = this.#unacknowledged[below(this.#unacknowledged.length)];
    const unsent =
      repeated !== undefined && chance(0.2)
        ? repeated
        : this.#unsent.splice(chance(0.2) ? below(Math.min(3, this.#unsent.length)) : 0, 1)[0];
    if (unsent === undefined) return undefined;
    this.#lastQ += 1;
    const event = { ...unsent, q: this.#lastQ };
    this.#unacknowledged.push(event);
    return event;
  }

  /** Returns the events that this acknowledgement covers. */
  acknowledge(upToQ: number): QueueEvent[] {
    const covered = this.#unacknowledged.filter(({ q }) => q <= upToQ);
    this.#unacknowledged = this.#unacknowledged.filter(({ q }) => q > upToQ);
    return covered;
  }

  /** The next session is sent what was not acknowledged, first or behind newer events. */
  reconnect(): void {
    const again = this.#unacknowledged;
    this.#unacknowledged = [];
    this.#unsent = this.#random.chance(0.5)
      ? [...again, ...this.#unsent]
      : [...this.#unsent, ...again];
    this.#lastQ = 0;
  }

  /** The queue is lost. Returns a replay, from which some messages are missing. */
  loseQueue(): Message[] {
    this.#unsent = [];
    this.#unacknowledged = [];
    this.#lastQ = 0;
    return CONVERSATIONS.flatMap((name) => this.#shown(name)).filter(() =>
      this.#random.chance(0.6),
    );
  }

  history(name: Name, { afterSeq }: Gap, limit: number) {
    const all = this.#shown(name).filter(({ seq }) => seq > afterSeq);
    return { messages: all.slice(0, limit), hasMore: all.length > limit };
  }

  #shown(name: Name): Message[] {
    return this.logs[name].filter((message) => !this.gone.has(message));
  }
}

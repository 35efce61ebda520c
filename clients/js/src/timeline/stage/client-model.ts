import type { Message } from '../../protocol/shapes.ts';
import { type Window, withEcho, withMessages, withSent, withUpdate } from '../../store/window.ts';
import { type Acknowledgements, newSession, withDone } from '../acknowledgements.ts';
import {
  type Gap,
  gapOf,
  type Order,
  type OrderEffect,
  type OrderInput,
  type Ticket,
  takeInput,
  UNKNOWN_ORDER,
} from '../order.ts';
import type { ShownMessage } from '../shown-message.ts';
import { type Name, OWN, type QueueEvent } from './server-model.ts';

type Place = { order: Order; window: Window };
type Told = { seq: number; isLate: boolean };

/** A client that does with the pure functions what the shell around them does. */
export class ClientModel {
  readonly places: Record<Name, Place> = {
    first: { order: UNKNOWN_ORDER, window: [] },
    second: { order: UNKNOWN_ORDER, window: [] },
  };
  readonly told: Record<Name, Told[]> = { first: [], second: [] };
  readonly versions: Record<Name, Map<number, number[]>> = { first: new Map(), second: new Map() };
  /** The client first heard of a conversation at this `seq`. */
  readonly contacts = new Map<Name, number>();
  acks: Acknowledgements = newSession(1);
  /** The application has not finished with these. */
  readonly #working: (readonly Ticket[])[] = [];

  /** The client knows where the conversation stands before anything comes. */
  know(name: Name, lastSeq: number): void {
    this.#take(name, { is: 'known', lastSeq });
  }

  receive(event: QueueEvent): void {
    const ticket = { session: this.acks.session, q: event.q };
    if (event.is === 'message') {
      this.#take(event.name, { is: 'message', message: event.message, ticket });
    } else this.#take(event.name, { is: 'update', update: event.update, ticket });
  }

  replay(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#take(message.conversation_id as Name, { is: 'message', message });
    }
  }

  fill(name: Name, gap: Gap, answer: { messages: Message[]; hasMore: boolean }): void {
    this.#take(name, { is: 'filled', gap, ...answer });
  }

  gap(name: Name): Gap | undefined {
    return gapOf(this.places[name].order);
  }

  reconnect(): void {
    this.acks = newSession(this.acks.session + 1);
  }

  /** The application finishes with one event that it was told. Returns true if it had any. */
  finish(index: number): boolean {
    const [tickets] = this.#working.splice(index % Math.max(1, this.#working.length), 1);
    for (const ticket of tickets ?? []) this.acks = withDone(this.acks, ticket);
    return tickets !== undefined;
  }

  write(name: Name, clientMsgId: string): void {
    this.#show(name, (window) => withEcho(window, echoOf(name, clientMsgId)));
  }

  sent(name: Name, { client_msg_id, message_id, seq, sent_at }: Message): void {
    const echo = echoOf(name, client_msg_id as string);
    this.#show(name, (window) => withSent(window, echo, { message_id, seq, sent_at }));
  }

  /** The application reloads what it shows, as it must after the loss of a queue. */
  reload(name: Name, messages: readonly Message[]): void {
    this.#show(name, (window) => withMessages(window, messages, OWN));
  }

  #show(name: Name, change: (window: Window) => Window): void {
    this.places[name].window = change(this.places[name].window);
  }

  #take(name: Name, input: OrderInput): void {
    const { order, effects } = takeInput(this.places[name].order, input);
    this.places[name].order = order;
    if (!this.contacts.has(name) && order.next !== undefined) {
      this.contacts.set(name, input.is === 'known' ? order.next : order.next - 1);
    }
    for (const effect of effects) this.#tell(name, effect);
  }

  #tell(name: Name, effect: OrderEffect): void {
    if (effect.tell === 'message') {
      const { message, isLate } = effect;
      this.told[name].push({ seq: message.seq, isLate });
      this.#show(name, (window) => withMessages(window, [message], OWN));
    } else if (effect.tell === 'update') {
      const { seq, version } = effect.update;
      const versions = this.versions[name];
      versions.set(seq, [...(versions.get(seq) ?? []), version]);
      this.#show(name, (window) => withUpdate(window, effect.update));
    }
    this.#working.push(effect.tickets);
  }
}

function echoOf(name: Name, clientMsgId: string): ShownMessage {
  return {
    ...{ conversation_id: name, sender_id: OWN, client_msg_id: clientMsgId, version: 0 },
    ...{ content: 'echo', message_type: 'text', sent_at: '', reactions: [], status: 'pending' },
  };
}

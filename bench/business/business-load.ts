import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../shared/ids.ts';
import type { ConversationShape } from '../../shared/protocol/shapes.ts';
import { Histogram } from '../figures/histogram.ts';
import type { Connection } from '../fleet/connection.ts';
import type { BusinessOptions } from './business-options.ts';
import { agentsOf, type BusinessPeople } from './business-people.ts';
import { type Chat, Chats } from './chats.ts';
import type { Requests } from './requests.ts';

type LoadParts = {
  options: BusinessOptions;
  people: BusinessPeople;
  /** The connections of all agents come first, and then those of all customers. */
  connections: readonly Connection[];
  requests: Requests;
};

const TICK_MS = 2;
const POLL_MS = 50;
const MS_PER_S = 1_000;
/** If a customer has talked to so many businesses in a row, any business will do. */
const PAIR_TRIES = 10;

/**
 * Customers write to businesses by the clock, and agents answer what they are given and close it. A
 * customer and a business have one conversation for ever, so each writes to a random one anew.
 */
export class BusinessLoad {
  readonly chats: Chats;
  /** The histogram has how late the generator itself was. */
  readonly lagMs = new Histogram();
  /** The load times the conversations that it opens while this is true. */
  isTiming = false;
  readonly #parts: LoadParts;
  readonly #pairs = new Set<number>();
  #turn = 0;
  /** The managers close what is open, so the agents do no more. */
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LoadParts) {
    const { options, people } = parts;
    this.#parts = parts;
    this.chats = new Chats(
      people.businessIds.length,
      (business) => agentsOf(business, people).length * options.capacity,
    );
  }

  /** Begins to open conversations. */
  start(): void {
    const { ratePerS } = this.#parts.options;
    const startedAt = performance.now();
    const first = this.#turn;
    this.#timer = setInterval(() => {
      const elapsedMs = performance.now() - startedAt;
      const due = first + Math.floor((elapsedMs * ratePerS) / MS_PER_S);
      for (; this.#turn < due; this.#turn += 1) {
        const dueMs = ((this.#turn - first + 1) * MS_PER_S) / ratePerS;
        if (this.isTiming) this.lagMs.recordMs(elapsedMs - dueMs);
        void this.#open(this.#turn);
      }
    }, TICK_MS);
  }

  /** Opens no more conversations. */
  pause(): void {
    clearInterval(this.#timer);
  }

  /** Resolves once all conversations are closed, or after `waitMs`. */
  async untilClosed(waitMs: number): Promise<void> {
    const endsAt = Date.now() + waitMs;
    while (this.chats.openCount > 0 && Date.now() < endsAt) await delay(POLL_MS);
  }

  /** Lets managers close what is still open, and counts what nobody was assigned. */
  async closeRest(): Promise<void> {
    this.#isOver = true;
    const { requests, connections, people } = this.#parts;
    const rest = [...this.chats.open];
    for (const chat of rest) {
      if (chat.agent === undefined && !chat.isRefused) this.chats.counts.unassigned += 1;
      this.chats.forget(chat);
    }
    await Promise.all(
      rest.map(({ conversationId, business }) => {
        const [manager] = agentsOf(business, people) as [number];
        const close = { type: 'close', conversation_id: conversationId };
        return requests.ask(connections[manager] as Connection, close);
      }),
    );
  }

  /** Takes the event `conversation` of an agent's socket. */
  told({ place }: Connection, { state, assignee_id, conversation_id }: ConversationShape): void {
    if (state !== 'assigned' || assignee_id !== place.userId) return;
    const chat = this.chats.assigned(conversation_id, place.index, Date.now());
    if (chat !== undefined) void this.#serve(chat, place.index);
  }

  async #open(turn: number): Promise<void> {
    const { people, connections, requests } = this.#parts;
    const { isTiming: isTimed } = this;
    const customer = people.agents + (turn % (connections.length - people.agents));
    const connection = connections[customer] as Connection;
    const business = this.#pick(customer);
    const conversation = { type: 'business', business_id: people.businessIds[business] };
    const made = await requests.ask<ConversationShape>(connection, {
      ...{ type: 'create_conversation', conversation },
    });
    if (made === undefined) return;
    const { conversation_id, last_seq } = made;
    // A message into an open conversation makes nothing that could be assigned.
    if (this.chats.has(conversation_id)) return;
    const chat = this.chats.begin(conversation_id, { business, isTimed, isNew: last_seq === 0 });
    const sent = await this.#send(connection, conversation_id, 'Is it there?');
    if (sent === undefined) chat.isRefused = true;
    else this.chats.sent(chat, Date.parse(sent.sent_at));
  }

  async #serve(chat: Chat, agent: number): Promise<void> {
    const { connections, requests, options } = this.#parts;
    const { conversationId } = chat;
    const connection = connections[agent] as Connection;
    await delay(options.answerS * MS_PER_S);
    if (this.#isOver) return;
    if ((await this.#send(connection, conversationId, 'It is.')) !== undefined) {
      this.chats.answered();
    }
    await delay((options.holdS - options.answerS) * MS_PER_S);
    if (this.#isOver) return;
    const close = { type: 'close', conversation_id: conversationId };
    const closed = await requests.ask<ConversationShape>(connection, close);
    if (closed !== undefined) this.chats.closed(chat, Date.parse(closed.closed_at ?? ''));
  }

  #send(connection: Connection, conversationId: string, content: string) {
    return this.#parts.requests.ask<{ sent_at: string }>(connection, {
      ...{ type: 'message', client_msg_id: newId(), conversation_id: conversationId, content },
    });
  }

  /** Picks a business to which the customer has not written in this run. */
  #pick(customer: number): number {
    const count = this.#parts.people.businessIds.length;
    let business = 0;
    for (let tries = 0; tries < PAIR_TRIES; tries += 1) {
      business = Math.floor(Math.random() * count);
      const pair = customer * count + business;
      if (this.#pairs.has(pair)) continue;
      this.#pairs.add(pair);
      break;
    }
    return business;
  }
}

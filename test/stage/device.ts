import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../shared/ids.ts';
import type { Answer, Client, Frame, MessageEvent } from './client.ts';
import type { Person, System } from './stack.ts';

type Place = { deviceId: string; edges: number[] };
export type Sent = { seq: number; content: string; client_msg_id: string };

const RETRY_MS = 100;
const PAGE = 200;
/** The contract promises each answer within this time. */
const ANSWER_MS_MAX = 10_000;
const NEVER_RETRIED = ['INVALID_REQUEST', 'NOT_A_PARTICIPANT', 'CONVERSATION_NOT_FOUND'];

/**
 * A device behaves as the contract asks of clients: it connects again whenever its socket ends,
 * acknowledges events, drops repeats, sends again what was not answered, and reads history after
 * `resumed: false`.
 */
export class Device {
  readonly person: Person;
  /** The map holds the messages of the device by conversation and `seq`. */
  readonly held = new Map<string, Map<number, MessageEvent>>();
  /** Counts how often the device was told that its queue was void. */
  resyncs = 0;
  /** Collects the answers that came too late or were wrong. */
  readonly faults: string[] = [];
  readonly #system: System;
  readonly #place: Place;
  #client: Client | undefined;
  #isStopped = false;
  #isBehind = false;
  #connections = 0;
  #running: Promise<void> | undefined;

  constructor(system: System, person: Person, place: Place) {
    this.#system = system;
    this.person = person;
    this.#place = place;
  }

  /** Resolves once the device is connected for the first time. */
  async start(): Promise<void> {
    this.#running = this.#run();
    await this.#ready();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#client?.close();
    await this.#running;
  }

  get name(): string {
    return `${this.person.id.slice(0, 4)}/${this.#place.deviceId}`;
  }

  /** Resolves once the message is acknowledged, however often it has to be sent. */
  async send(conversation: string, content: string): Promise<Sent> {
    const client_msg_id = newId<string>();
    const frame = { type: 'message', client_msg_id, conversation_id: conversation, content };
    for (;;) {
      const answer = await this.#try(frame);
      if (answer?.type === 'reply') {
        return { seq: Number(answer.data?.seq), content, client_msg_id };
      }
      const code = answer?.error?.code ?? '';
      if (NEVER_RETRIED.includes(code)) this.faults.push(`refused: ${code}`);
      if (this.#isStopped) throw new Error('stopped before it was acknowledged');
      await delay(Math.max(RETRY_MS, 1_000 * (answer?.error?.retry_after ?? 0)));
    }
  }

  /** Resolves with undefined if the socket ended before the answer came. */
  async #try(frame: Record<string, unknown>): Promise<Answer | undefined> {
    const client = await this.#ready();
    const startedAt = Date.now();
    try {
      return await client.ask(frame);
    } catch (error) {
      if (client.isOpen) this.faults.push(`no answer: ${(error as Error).message}`);
      return undefined;
    } finally {
      const tookMs = Date.now() - startedAt;
      if (tookMs > ANSWER_MS_MAX) this.faults.push(`answered after ${tookMs} ms`);
    }
  }

  async #ready(): Promise<Client> {
    while (this.#client?.isOpen !== true) await delay(RETRY_MS / 4);
    return this.#client;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const client = await this.#connect();
      if (client !== undefined) {
        this.#client = client;
        await client.closed;
      }
      await delay(RETRY_MS);
    }
  }

  async #connect(): Promise<Client | undefined> {
    const { deviceId, edges } = this.#place;
    const edge = edges[this.#connections++ % edges.length] as number;
    const headers = { authorization: `Bearer ${this.person.token}`, 'x-device-id': deviceId };
    const isFirst = this.#client === undefined;
    try {
      const onFrame = (frame: Frame, from: Client): void => this.#receive(frame, from);
      const client = await this.#system.socket(headers, { edge, onFrame });
      const { resumed } = await client.next('auth_ok');
      if (resumed === false && !isFirst) this.#fallBehind();
      else if (this.#isBehind) this.#catchUp(client);
      return client;
    } catch (error) {
      // The device connects again later.
      return void error;
    }
  }

  #receive(frame: Frame, client: Client): void {
    if (frame.type === 'resync') this.#fallBehind();
    if (frame.type === 'replay_end' && this.#isBehind) this.#catchUp(client);
    if (frame.type === 'message') this.#hold(frame as MessageEvent);
    if (frame.type === 'going_away') {
      setTimeout(() => client.close(), Number(frame.reconnect_after_ms)).unref();
    }
  }

  #hold(event: MessageEvent): void {
    const { conversation_id, seq } = event;
    let messages = this.held.get(conversation_id);
    if (messages === undefined) {
      messages = new Map();
      this.held.set(conversation_id, messages);
    }
    const known = messages.get(seq);
    if (known === undefined) messages.set(seq, event);
    else if (known.message_id !== event.message_id) this.faults.push(`two messages at ${seq}`);
  }

  #fallBehind(): void {
    this.resyncs += 1;
    this.#isBehind = true;
  }

  /**
   * Reads the whole history of the device's conversations. The device calls this only once the new
   * queue surely exists (`replay_end`), because a message sent between an earlier reading and the
   * creation of the queue would be in neither.
   */
  #catchUp(client: Client): void {
    const read = async (): Promise<void> => {
      for (const conversation of this.held.keys()) await this.#readAll(client, conversation);
      this.#isBehind = false;
    };
    // If the end of the socket cuts the reading short, the next session reads again.
    read().catch((error: unknown) => {
      if (client.isOpen) setTimeout(() => this.#catchUp(client), RETRY_MS);
      return error;
    });
  }

  async #readAll(client: Client, conversation: string): Promise<void> {
    let after = 0;
    for (let hasMore = true; hasMore; ) {
      const frame = { type: 'history', conversation_id: conversation, limit: PAGE };
      const answer = await client.ask({ ...frame, after_seq: after });
      if (answer.data === undefined) throw new Error(answer.error?.code);
      const messages = answer.data.messages as MessageEvent[];
      for (const message of messages) this.#hold(message);
      after = messages.at(-1)?.seq ?? after;
      hasMore = answer.data.has_more === true;
    }
  }
}

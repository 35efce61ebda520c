import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../shared/ids.ts';
import type { Client, Frame, MessageEvent } from '../stage/client.ts';
import type { Person, System } from '../stage/stack.ts';
import {
  type DeviceRecord,
  keyOfMessage,
  type Patience,
  type SessionRecord,
  type Told,
} from './record.ts';

const QUICK_MS_MAX = 20;
const SLOW_MS = { min: 300, max: 3_000 };
const RETRY_MS = 200;
const LOOK_MS = 20;
const OPEN_MS = 6_000;
const ANSWER_MS = 10_000;

type Options = {
  deviceId: string;
  edges: readonly number[];
  /** Returns a number from 0 up to, but not including, 1. */
  random: () => number;
};

/**
 * A device whose client records each durable event that it gets, and acknowledges with more or less
 * patience. It connects again when its socket ends, to the next edge, unless it is away.
 */
export class RecordedDevice {
  readonly record: DeviceRecord;
  readonly person: Person;
  readonly #system: System;
  readonly #options: Options;
  #patience: Patience = 'quick';
  #isAway = true;
  #edge: number;
  /** The newest session has this socket and this record. */
  #now: { client: Client; session: SessionRecord } | undefined;
  #acknowledging: NodeJS.Timeout | undefined;
  /** The newest session was told of a new queue, and has not acknowledged the end of the replay. */
  #openTold: Told[] = [];
  #connecting: Promise<void> | undefined;

  constructor(system: System, person: Person, options: Options) {
    this.#system = system;
    this.person = person;
    this.#options = options;
    this.#edge = Math.floor(options.random() * options.edges.length);
    const name = `${person.id.slice(0, 4)}/${options.deviceId}`;
    this.record = { name, sessions: [], told: [], trace: [] };
  }

  get deviceId(): string {
    return this.#options.deviceId;
  }

  get isConnected(): boolean {
    return this.#now?.client.isOpen === true;
  }

  /** Connects, and connects again whenever the socket ends. */
  come(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#connecting ??= this.#stayConnected();
  }

  /** Ends the socket. The device comes back when it is told to. */
  leave(how: 'reset' | 'close'): void {
    this.#note(`leaves by ${how}`);
    this.#isAway = true;
    this.#drop(how);
  }

  /** Opens a second socket, on the next edge, while the first one is still open. */
  async replace(): Promise<void> {
    if (this.#isAway) return;
    this.#note('opens one more socket');
    await this.#connect();
  }

  become(patience: Patience): void {
    this.#note(`becomes ${patience}`);
    this.#patience = patience;
    clearTimeout(this.#acknowledging);
    this.#acknowledging = undefined;
    if (patience === 'quick') this.#acknowledge();
  }

  /** Sends a message. Resolves with its `seq` if it was acknowledged. */
  async send(conversation: string, content: string): Promise<number | undefined> {
    const frame = { type: 'message', conversation_id: conversation, content };
    const client = this.#now?.client;
    if (client?.isOpen !== true) return undefined;
    try {
      const answer = await client.ask({ ...frame, client_msg_id: newId<string>() }, ANSWER_MS);
      return answer.type === 'reply' ? Number(answer.data?.seq) : undefined;
    } catch (error) {
      // The socket ended first. The history tells whether the message was written.
      return void error;
    }
  }

  async stop(): Promise<void> {
    this.leave('close');
    await this.#connecting;
  }

  #drop(how: 'reset' | 'close'): void {
    const client = this.#now?.client;
    if (client?.isOpen === true) void (how === 'reset' ? client.destroy() : client.close());
  }

  async #stayConnected(): Promise<void> {
    while (!this.#isAway) {
      if (!this.isConnected) await this.#connect();
      await delay(this.isConnected ? LOOK_MS : RETRY_MS);
    }
    this.#connecting = undefined;
  }

  async #connect(): Promise<void> {
    const { edges, deviceId } = this.#options;
    this.#edge += 1;
    const edge = edges[this.#edge % edges.length] as number;
    const headers = { authorization: `Bearer ${this.person.token}`, 'x-device-id': deviceId };
    let session: SessionRecord | undefined;
    const onFrame = (frame: Frame, client: Client): void => {
      if (frame.type === 'auth_ok') session = this.#opened(frame, client, edge);
      else if (session !== undefined && this.#now?.session === session) this.#see(frame, session);
    };
    try {
      const client = await this.#system.socket(headers, { edge, onFrame, isAcking: false });
      await client.next('auth_ok', OPEN_MS).catch((error: unknown) => {
        void client.destroy();
        return error;
      });
    } catch (error) {
      // The edge is away or refuses, and the device tries another one.
      return void error;
    }
  }

  #opened(frame: Frame, client: Client, edge: number): SessionRecord {
    const openedAtMs = Date.now();
    const isResumed = frame.resumed === true;
    const session = { edge, openedAtMs, isResumed, acknowledgedQ: 0, sights: [], qs: [] };
    this.record.sessions.push(session);
    const index = this.record.sessions.length - 1;
    this.#note(`session ${index} on edge-${edge}, ${isResumed ? 'resumed' : 'new'}`);
    void client.closed.then(({ code }) => this.#note(`session ${index} closed ${code}`));
    for (const told of this.#openTold)
      told.coveredUntilMs = Math.min(told.coveredUntilMs, openedAtMs);
    this.#openTold = [];
    if (!isResumed) this.#tell({ atMs: openedAtMs, coveredUntilMs: openedAtMs });
    this.#now = { client, session };
    if (this.#isAway) void client.destroy();
    return session;
  }

  #see(frame: Frame, session: SessionRecord): void {
    const atMs = Date.now();
    if (frame.type === 'resync') this.#tell({ atMs, coveredUntilMs: Number.POSITIVE_INFINITY });
    const { q } = frame;
    if (frame.type === 'replay_end') this.#endReplay(Number(q), atMs);
    this.#note(`${frame.type} ${q ?? ''} ${traceOf(frame)}`);
    if (typeof q !== 'number') return;
    session.qs.push(q);
    if (frame.type === 'message') {
      const { message_id, conversation_id: conversation, seq } = frame as MessageEvent;
      session.sights.push({ key: keyOfMessage(message_id), q, atMs, conversation, seq });
    } else if (frame.type !== 'replay_end') {
      session.sights.push({ key: keyOf(frame), q, atMs });
    }
    this.#acknowledgeSoon();
  }

  #note(text: string): void {
    this.record.trace.push({ atMs: Date.now(), text });
  }

  #tell(told: Told): void {
    this.record.told.push(told);
    this.#openTold.push(told);
  }

  /** The queue that the device was told of surely exists from now on. */
  #endReplay(q: number, atMs: number): void {
    for (const told of this.#openTold) {
      told.endQ ??= q;
      told.coveredUntilMs = Math.min(told.coveredUntilMs, atMs);
    }
  }

  #acknowledgeSoon(): void {
    if (this.#patience === 'never' || this.#acknowledging !== undefined) return;
    const { random } = this.#options;
    const waitMs =
      this.#patience === 'quick'
        ? random() * QUICK_MS_MAX
        : SLOW_MS.min + random() * (SLOW_MS.max - SLOW_MS.min);
    this.#acknowledging = setTimeout(() => this.#acknowledge(), waitMs);
  }

  #acknowledge(): void {
    this.#acknowledging = undefined;
    const q = this.#now?.session.qs.at(-1);
    if (this.#now === undefined || !this.#now.client.isOpen || q === undefined) return;
    if (q <= this.#now.session.acknowledgedQ) return;
    this.#note(`acknowledges ${q}`);
    this.#now.session.acknowledgedQ = q;
    const isOpen = ({ endQ }: Told): boolean => endQ === undefined || endQ > q;
    for (const told of this.#openTold) if (!isOpen(told)) told.finishedAtMs = Date.now();
    this.#openTold = this.#openTold.filter(isOpen);
    this.#now.client.ack(q);
  }
}

function traceOf({ conversation_id: conversation, seq }: Frame): string {
  return conversation === undefined ? '' : `${String(conversation).slice(0, 4)}/${seq}`;
}

/** Conversations and changes of messages carry what tells one event from another. */
function keyOf({ type, message_id, version, change, conversation }: Frame): string {
  const { conversation_id: id, version: ofConversation } = (conversation ?? {}) as Frame;
  return [type, message_id ?? id, version ?? ofConversation, change].join(' ');
}

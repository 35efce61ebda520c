import type {
  PushDevice,
  PushFacts,
  PushMessage,
} from '../../../../shared/contracts/pushes/push-facts.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../../shared/ids.ts';
import type { Note, Ready } from '../chat.ts';
import { WaitingChats } from '../waiting-chats.ts';

/** The world is what is true of one user in one conversation. It changes at random. */
type Sent = {
  message: PushMessage;
  eventId: EventId;
  atMs: number;
  taken: Set<string>;
  inUse: boolean;
  isDeleted: boolean;
  isRead: boolean;
  isDone: boolean;
  /** These devices could have been told from the fifth second on, as long as the world was. */
  spoilt: Set<string>;
  toldTo: Map<string, number>;
  isFed: boolean;
};

/** Draws numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function drawFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const STEP_MS = 50;
const WAIT_MS = 5_000;
const GAP_MS = 2_000;
/** The quiet hours begin 20 s later. */
const BEGAN_MS = Date.UTC(2026, 9, 25, 0, 59, 40);
const QUIET_MS = Date.UTC(2026, 9, 25, 1);
const DEVICES = ['phone', 'tablet', 'laptop'];
const OTHER = newId<UserId>();

type PushWorldOptions = {
  draw: () => number;
  /** The service dies so often. What it had not done with is told to the next one. */
  restarts: boolean;
  /** The devices have quiet hours that begin within the time of the run. */
  quietHours: boolean;
};

/**
 * Plays a service in virtual time against the world, and notes each alert that should not have
 * left. What it demands of an alert and of a message is written here in the plainest way.
 */
export class PushWorld {
  readonly problems: string[] = [];
  readonly sent: Sent[] = [];
  alerts = 0;
  #wallMs = BEGAN_MS;
  #chats: WaitingChats;
  readonly #draw: () => number;
  readonly #options: PushWorldOptions;
  readonly #user = newId<UserId>();
  readonly #conversation = newId<ConversationId>();
  readonly #devices = new Map<string, PushDevice>();
  #mutedUntilMs = 0;
  #lastAlert = new Map<string, number>();
  /** Answers of store and of providers take time, so they come later. */
  #later: { atMs: number; run: () => void }[] = [];
  #epoch = 0;

  constructor(options: PushWorldOptions) {
    this.#options = options;
    this.#draw = options.draw;
    this.#chats = this.#begin();
    for (const device of DEVICES) this.#register(device);
  }

  get waiting(): number {
    return this.#chats.count;
  }

  /** Lets things happen for a time, and then lets the service finish. */
  play(forMs: number): void {
    const endMs = this.#wallMs + forMs;
    while (this.#wallMs < endMs) {
      this.#happen();
      this.#step();
    }
    for (let left = 120_000; left > 0 && !this.#isQuietNow(); left -= STEP_MS) this.#step();
    for (const one of this.sent) {
      if (!one.isDone) this.problems.push(`message ${one.message.seq} is never done with`);
      for (const device of DEVICES) {
        if (one.spoilt.has(device) || one.toldTo.has(device)) continue;
        this.problems.push(`${device} is never told of message ${one.message.seq}`);
      }
    }
  }

  #begin(): WaitingChats {
    return new WaitingChats({ onSpared: () => undefined });
  }

  #isQuietNow(): boolean {
    return this.#later.length === 0 && this.sent.every(({ isDone }) => isDone);
  }

  #moment() {
    return { steadyMs: this.#wallMs - BEGAN_MS, wallMs: this.#wallMs };
  }

  #chance(aSecond: number): boolean {
    return this.#draw() < (aSecond * STEP_MS) / 1_000;
  }

  #oneOf<One>(of: readonly One[]): One | undefined {
    return of[Math.floor(this.#draw() * of.length)];
  }

  #happen(): void {
    if (this.#chance(0.8)) this.#send();
    if (this.#chance(0.8)) this.#take();
    if (this.#chance(0.08)) this.#read();
    if (this.#chance(0.05)) this.#mute();
    if (this.#chance(0.05)) this.#delete();
    if (this.#chance(0.05)) this.#register(this.#oneOf(DEVICES) as string);
    if (this.#chance(0.03)) this.#unregister();
    if (this.#options.restarts && this.#chance(0.03)) this.#restart();
  }

  #step(): void {
    this.#wallMs += STEP_MS;
    const due = this.#later.filter(({ atMs }) => atMs <= this.#wallMs);
    this.#later = this.#later.filter(({ atMs }) => atMs > this.#wallMs);
    for (const { run } of due) run();
    for (const question of this.#chats.due(this.#moment().steadyMs)) {
      this.#after(this.#draw() * 200, () => {
        if (this.#draw() < 0.1) {
          return this.#chats.postpone(question, this.#moment().steadyMs + 500);
        }
        const ready = this.#chats.judge(question, this.#facts(question.seqs), this.#moment());
        for (const one of ready) this.#try(one, question.seqs);
      });
    }
    this.#spoil();
  }

  /** Does this later, unless the service has died until then. */
  #after(ms: number, run: () => void): void {
    const epoch = this.#epoch;
    const atMs = this.#wallMs + ms;
    this.#later.push({ atMs, run: () => epoch === this.#epoch && run() });
  }

  #facts(seqs: readonly number[]): PushFacts | null {
    if (this.#devices.size === 0) return null;
    const asked = this.sent.filter(({ message: { seq } }) => seqs.includes(seq));
    const read = this.sent.filter(({ isRead }) => isRead).map(({ message }) => message.seq);
    return {
      devices: [...this.#devices.values()],
      ...{ read_seq: Math.max(0, ...read), delivered_seq: 0 },
      is_muted: this.#mutedUntilMs > this.#wallMs,
      messages: asked.filter(({ isDeleted }) => !isDeleted).map(({ message }) => message),
      conversation: { type: 'group', others: [OTHER] },
      badge: 1,
    };
  }

  #try(ready: Ready, seqs: readonly number[]): void {
    const asked = { facts: this.#facts(seqs), seqs };
    const told = this.#chats.compose(ready, asked, this.#moment());
    if (told === undefined) {
      this.#chats.end(ready, { kind: 'dropped', reason: 'not_wanted' });
      return;
    }
    const retries = this.#draw() < 0.2;
    if (!retries) this.#check(ready.device.device_id, told);
    this.#after(this.#draw() * 400, () => {
      if (retries) this.#try(ready, this.#chats.owedSeqs(ready));
      else this.#chats.end(ready, { kind: 'sent' });
    });
  }

  /** An alert leaves for the device. All that it tells of must be true at this moment. */
  #check(device: string, told: readonly PushMessage[]): void {
    this.alerts += 1;
    const last = this.#lastAlert.get(device) ?? Number.NEGATIVE_INFINITY;
    const about = `${device} at ${this.#wallMs - BEGAN_MS}`;
    if (this.#wallMs - last < GAP_MS) this.problems.push(`two alerts in 2 s: ${about}`);
    this.#lastAlert.set(device, this.#wallMs);
    for (const { seq } of told) {
      const one = this.sent.find(({ message }) => message.seq === seq);
      if (one === undefined) continue;
      const reason = this.#reasonAgainst(one, device);
      if (reason !== undefined) this.problems.push(`${seq} is ${reason}: ${about}`);
      if (this.#wallMs < one.atMs + WAIT_MS) this.problems.push(`${seq} is early: ${about}`);
      one.toldTo.set(device, this.#wallMs);
    }
  }

  #reasonAgainst(one: Sent, device: string): string | undefined {
    const registered = this.#devices.get(device);
    if (registered === undefined) return 'for a device that is not registered';
    if (one.taken.has(device)) return 'taken';
    if (one.inUse) return 'taken in use';
    if (one.isRead) return 'read';
    if (one.isDeleted) return 'deleted';
    if (this.#mutedUntilMs > this.#wallMs) return 'muted';
    const isQuiet = this.#options.quietHours && this.#wallMs >= QUIET_MS;
    return isQuiet ? 'in quiet hours' : undefined;
  }

  /** A device that once had a reason not to be told need not be told any more. */
  #spoil(): void {
    for (const one of this.sent) {
      for (const device of DEVICES) {
        if (this.#reasonAgainst(one, device) !== undefined) one.spoilt.add(device);
      }
    }
  }

  #send(): void {
    const message: PushMessage = {
      message_id: newId(),
      seq: this.sent.length + 1,
      sender_id: OTHER,
      message_type: 'text',
      sent_at: new Date(this.#wallMs).toISOString(),
    };
    const taken = new Set(DEVICES.filter(() => this.#draw() < 0.3));
    const one: Sent = {
      ...{ message, eventId: newId<EventId>(), atMs: this.#wallMs, taken },
      ...{ inUse: taken.size > 0 && this.#draw() < 0.2, isDeleted: false, isRead: false },
      ...{ isDone: false, spoilt: new Set<string>(), toldTo: new Map(), isFed: false },
    };
    this.sent.push(one);
    const atMs = this.#wallMs + this.#draw() * 2_200;
    this.#later.push({ atMs, run: () => this.#feed(one) });
    // A router that repairs tells the same event again.
    if (this.#draw() < 0.1) this.#later.push({ atMs: atMs + 9_000, run: () => this.#feed(one) });
  }

  #feed(one: Sent): void {
    one.isFed = true;
    const note: Note = {
      ...{ eventId: one.eventId, userId: this.#user, conversationId: this.#conversation },
      ...{ seq: one.message.seq, sentAtMs: one.atMs, taken: [...one.taken], isInUse: one.inUse },
      done: () => {
        one.isDone = true;
      },
    };
    this.#chats.note(note, this.#moment());
  }

  /** A device takes late, and the feed tells at once, perhaps before it tells of the message. */
  #take(): void {
    const one = this.sent.at(-1 - Math.floor(this.#draw() * 4));
    const device = this.#oneOf(DEVICES);
    if (one === undefined || device === undefined) return;
    one.taken.add(device);
    const isInUse = this.#draw() < 0.2;
    if (isInUse) one.inUse = true;
    const of = { userId: this.#user, conversationId: this.#conversation };
    const take = { ...of, eventId: one.eventId, taken: [device], isInUse };
    this.#chats.noteTaken(take, () => undefined);
  }

  #read(): void {
    const upTo = this.#oneOf(this.sent)?.message.seq ?? 0;
    for (const one of this.sent) if (one.message.seq <= upTo) one.isRead = true;
    if (this.#draw() < 0.7) this.#chats.noteRead(this.#user, this.#conversation, upTo);
  }

  #mute(): void {
    this.#mutedUntilMs = this.#wallMs + this.#draw() * 6_000;
  }

  #delete(): void {
    const one = this.#oneOf(this.sent);
    if (one !== undefined) one.isDeleted = true;
  }

  #register(deviceId: string): void {
    const token = newId<string>();
    this.#devices.set(deviceId, {
      ...{ device_id: deviceId, content: 'full', registered_at: `${this.#wallMs} ${token}` },
      address: { provider: 'fcm', token },
      ...(this.#options.quietHours && {
        quiet_hours: { time_zone: 'UTC', from: '01:00', to: '00:30' },
      }),
    });
  }

  #unregister(): void {
    const device = this.#oneOf(DEVICES) as string;
    this.#devices.delete(device);
    this.#spoil();
    this.#later.push({ atMs: this.#wallMs + 4_000, run: () => this.#register(device) });
  }

  /** The service dies. The next one hears of all that was not done with, after a while. */
  #restart(): void {
    this.#epoch += 1;
    this.#lastAlert = new Map();
    this.#chats = this.#begin();
    for (const one of this.sent) {
      if (one.isDone || !one.isFed) continue;
      this.#later.push({ atMs: this.#wallMs + this.#draw() * 3_000, run: () => this.#feed(one) });
    }
  }
}

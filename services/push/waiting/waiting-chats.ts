import { LRUCache } from 'lru-cache';
import { Budget } from '../../../shared/concurrency/budget.ts';
import type {
  PushDevice,
  PushFacts,
  PushMessage,
} from '../../../shared/contracts/pushes/push-facts.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { PushOutcome } from '../providers/provider.ts';
import {
  addTake,
  type Chat,
  chatKey,
  endTurns,
  eventKey,
  isReady,
  type LateTake,
  type Moment,
  type Note,
  nextTime,
  type Question,
  type Ready,
  seqsOf,
  turnOf,
  type Waiting,
} from './chat.ts';
import { dueAfter } from './due-after.ts';
import { DueTimes } from './due-times.ts';
import { judgeMessage, type Spared } from './judge-message.ts';
import { LastAlerts } from './last-alerts.ts';

type Options = {
  /** Hears why a device is spared an alert. */
  onSpared: (reason: Spared | 'crowded') => void;
  bound?: { count: number; bytes: number };
};

const BOUND = { count: 200_000, bytes: 128 * 1024 ** 2 };
/** A message takes this much, and two bytes for each character of the devices that took it. */
const MESSAGE_BYTES = 400;
/** A conversation has at most this many messages for one user, and an alert tells of as many. */
const CHAT_MESSAGES_MAX = 256;
/** One alert in this time reaches a device of a conversation. */
const ALERT_GAP_MS = 2_000;
/** An event may be told again for so long, and a late take may come so long before its event. */
const KNOWN_MS = 15 * 60_000;
const KNOWN_MAX = 200_000;
const LATE_MAX = 50_000;

/**
 * Knows the messages that devices may have to be told of, and decides when, to which device, and
 * what of it is still true. It takes values and returns values: it has no clock and asks nobody.
 *
 *     note ─► waits ─► due: a question ─► judge ─► turn of a device ─► compose ─► end
 *                ▲                          │            │ one alert in 2 s       │
 *     noteTaken ─┘ noteRead                 └─ spared    └── owed meanwhile ◄─────┘
 *
 * A message is done with once each device was sent an alert of it or was spared. A conversation has
 * at most 256 messages for a user: a further one takes the place of the oldest, whose alert it
 * replaces anyhow. `hasRoom` says whether all of them together leave room for more.
 */
export class WaitingChats {
  readonly #onSpared: Options['onSpared'];
  readonly #chats = new Map<string, Chat>();
  /** By event and user, because a late take names these. */
  readonly #waiting = new Map<string, { chat: Chat; message: Waiting }>();
  readonly #late = new LRUCache<string, LateTake>({ max: LATE_MAX, ttl: KNOWN_MS });
  readonly #known = new LRUCache<string, true>({ max: KNOWN_MAX, ttl: KNOWN_MS });
  readonly #times = new DueTimes<Chat>();
  readonly #last = new LastAlerts();
  readonly #budget: Budget;

  constructor({ onSpared, bound = BOUND }: Options) {
    this.#onSpared = onSpared;
    this.#budget = new Budget(bound);
  }

  get count(): number {
    return this.#budget.count;
  }

  get hasRoom(): boolean {
    return this.#budget.hasRoom(MESSAGE_BYTES);
  }

  /** Notes a message. One that is known already learns who took it. */
  note(note: Note, { steadyMs, wallMs }: Moment): void {
    const key = eventKey(note);
    const known = this.#waiting.get(key);
    if (this.#known.has(key)) {
      note.done();
      return;
    }
    const { userId, eventId, seq, sentAtMs, isInUse } = note;
    const isTold = note.taken !== undefined;
    const dueMs = steadyMs + dueAfter(wallMs - sentAtMs, isTold);
    if (known !== undefined) {
      this.#learn(known, { ...note, isTold, dueMs });
      return;
    }
    const chat = this.#chatOf(userId, note.conversationId);
    if (chat.messages.size >= CHAT_MESSAGES_MAX) this.#crowdOut(chat);
    const late = this.#late.get(key);
    const message: Waiting = {
      ...{ userId, eventId, seq, sentAtMs, dueMs, isTold, done: note.done },
      taken: new Set([...(note.taken ?? []), ...(late?.taken ?? [])]),
      isInUse: isInUse || late?.isInUse === true,
      ...{ readSeq: 0, isJudged: false, owedBy: 0, bytes: bytesOf(note) },
    };
    this.#budget.add(message.bytes);
    chat.messages.set(seq, message);
    this.#waiting.set(key, { chat, message });
    this.#schedule(chat);
  }

  /**
   * Notes who took a message late. It is done with when the message is: whoever is told of the
   * message again must be told of this again.
   */
  noteTaken(take: LateTake, done: () => void): void {
    const key = eventKey(take);
    const message = this.#waiting.get(key)?.message;
    if (message !== undefined) {
      addTake(message, take);
      const before = message.done;
      message.done = () => {
        before();
        done();
      };
      return;
    }
    done();
    if (this.#known.has(key)) this.#takeBack(take);
    else {
      const before = this.#late.get(key);
      const taken = [...(before?.taken ?? []), ...take.taken];
      this.#late.set(key, { ...take, taken, isInUse: take.isInUse || before?.isInUse === true });
    }
  }

  noteRead(userId: UserId, conversationId: ConversationId, seq: number): void {
    const chat = this.#chats.get(chatKey(userId, conversationId));
    if (chat === undefined) return;
    for (const message of [...chat.messages.values()]) {
      if (message.seq > seq) continue;
      message.readSeq = seq;
      if (!message.isJudged) this.#spare(chat, message, 'read');
    }
    this.#schedule(chat);
  }

  /** Returns what store must be asked now. Each question is answered by `judge` or `postpone`. */
  due(nowMs: number): Question[] {
    const questions: Question[] = [];
    for (const chat of this.#times.take(nowMs)) {
      endTurns(chat, nowMs);
      const seqs = new Set<number>();
      for (const message of [...chat.messages.values()]) {
        if (message.isJudged || message.dueMs > nowMs) continue;
        // Most recipients have the chat open, and nothing needs to be asked about them.
        if (message.isInUse) this.#spare(chat, message, 'in_use');
        else seqs.add(message.seq);
      }
      for (const turn of chat.turns.values()) {
        if (isReady(turn, nowMs)) for (const seq of seqsOf(turn)) seqs.add(seq);
      }
      chat.isAsking = seqs.size > 0;
      const asked = new Set([...seqs, ...this.#last.seqsOf(chat)]);
      if (chat.isAsking) questions.push({ chat, seqs: [...asked] });
      else this.#schedule(chat);
    }
    return questions;
  }

  /** The question is asked again at this time. */
  postpone({ chat }: Question, untilMs: number): void {
    chat.isAsking = false;
    this.#times.set(chat, untilMs);
  }

  /** Judges what was asked. Returns the devices whose turn it is, each of which `end` ends. */
  judge({ chat, seqs }: Question, facts: PushFacts | null, moment: Moment): Ready[] {
    chat.isAsking = false;
    endTurns(chat, moment.steadyMs);
    for (const seq of seqs) {
      const message = chat.messages.get(seq);
      if (message === undefined || message.isJudged) continue;
      message.isJudged = true;
      if (facts === null) this.#onSpared('unregistered');
      else this.#owe(chat, message, { facts, wallMs: moment.wallMs });
      if (message.owedBy === 0) this.#finish(chat, message);
    }
    const ready: Ready[] = [];
    const asked = new Set(seqs);
    for (const turn of chat.turns.values()) {
      // The turn of a device may have come since the question was asked. Then it is asked again.
      const isAsked = [...turn.owed].every(({ seq }) => asked.has(seq));
      if (!isAsked || !isReady(turn, moment.steadyMs)) continue;
      const device = deviceIn(facts, turn.deviceId);
      if (device === undefined) this.#release(chat, turn.deviceId, 'unregistered');
      else {
        turn.isSending = true;
        ready.push({ chat, device });
      }
    }
    this.#schedule(chat);
    return ready;
  }

  /** These messages are asked for again before an alert is composed anew. */
  owedSeqs({ chat, device }: Ready): number[] {
    const turn = turnOf(chat, device.device_id);
    return [...new Set([...seqsOf(turn), ...this.#last.seqsOf(chat)])];
  }

  /**
   * Returns the messages that the alert of the device tells of now, by their `seq`, or undefined if
   * none of them is true any more or the device has another registration. What was not asked about
   * has its turn later.
   */
  compose(
    { chat, device }: Ready,
    { facts, seqs }: { facts: PushFacts | null; seqs: readonly number[] },
    moment: Moment,
  ): PushMessage[] | undefined {
    const turn = turnOf(chat, device.device_id);
    const now = deviceIn(facts, device.device_id);
    if (facts === null || now === undefined) {
      this.#release(chat, device.device_id, 'unregistered');
      return undefined;
    }
    if (now.registered_at !== device.registered_at) return undefined;
    const about = { facts, device: now, wallMs: moment.wallMs };
    const asked = new Set(seqs);
    const messages: PushMessage[] = [];
    const owed = [...turn.owed].filter(({ seq }) => asked.has(seq));
    for (const message of owed) {
      const judged = judgeMessage(message, about);
      if (typeof judged !== 'string') messages.push(judged);
      else this.#letGo(chat, { deviceId: device.device_id, message, reason: judged });
    }
    if (messages.length === 0) return undefined;
    turn.sending = owed.filter((message) => turn.owed.has(message));
    for (const message of turn.shown) {
      const judged = asked.has(message.seq) ? judgeMessage(message, about) : 'deleted';
      if (typeof judged !== 'string' && !turn.owed.has(message)) messages.push(judged);
    }
    turn.notBeforeMs = moment.steadyMs + ALERT_GAP_MS;
    const last = this.#last.of(chat, device.device_id);
    if (last !== undefined && asked.has(last.seq) && messages.every(({ seq }) => seq < last.seq)) {
      const judged = judgeMessage(last, about);
      if (typeof judged !== 'string') messages.push(judged);
    }
    return messages.sort((a, b) => a.seq - b.seq);
  }

  /** Ends the sending. What the device was not told of may have its turn again. */
  end({ chat, device }: Ready, outcome: PushOutcome): void {
    const turn = turnOf(chat, device.device_id);
    turn.isSending = false;
    const reason = outcome.kind === 'dropped' ? outcome.reason : undefined;
    if (outcome.kind === 'sent') {
      turn.shown = [...turn.shown, ...turn.sending].slice(-CHAT_MESSAGES_MAX);
      for (const message of turn.sending) {
        this.#last.note(chat, turn.deviceId, message);
        this.#letGo(chat, { deviceId: turn.deviceId, message });
      }
    } else if (reason !== 'not_wanted' && reason !== 'closed') {
      this.#release(chat, turn.deviceId);
    }
    turn.sending = [];
    // What a service that ends has not sent is told to the next one by the feed.
    if (reason !== 'closed') this.#schedule(chat);
  }

  /** The next alert of a device may tell again of what the last one told. */
  #takeBack(take: LateTake): void {
    const key = chatKey(take.userId, take.conversationId);
    this.#last.noteTaken(key, take.eventId, take);
    const chat = this.#chats.get(key);
    for (const { shown } of chat?.turns.values() ?? []) {
      for (const message of shown) if (message.eventId === take.eventId) addTake(message, take);
    }
  }

  #learn({ chat, message }: { chat: Chat; message: Waiting }, note: Note & Due): void {
    addTake(message, { ...note, taken: [...(note.taken ?? [])] });
    const before = message.done;
    message.done = () => {
      before();
      note.done();
    };
    if (message.isTold || !note.isTold || message.isJudged) return;
    message.isTold = true;
    message.dueMs = note.dueMs;
    this.#schedule(chat);
  }

  #owe(chat: Chat, message: Waiting, { facts, wallMs }: { facts: PushFacts; wallMs: number }) {
    for (const device of facts.devices) {
      const judged = judgeMessage(message, { facts, device, wallMs });
      if (typeof judged === 'string') this.#onSpared(judged);
      else {
        turnOf(chat, device.device_id).owed.add(message);
        message.owedBy += 1;
      }
    }
  }

  /** Nothing is owed to the device any more. */
  #release(chat: Chat, deviceId: string, reason?: Spared): void {
    for (const message of [...turnOf(chat, deviceId).owed]) {
      this.#letGo(chat, { deviceId, message, reason });
    }
  }

  #letGo(
    chat: Chat,
    {
      deviceId,
      message,
      reason,
    }: { deviceId: string; message: Waiting; reason?: Spared | undefined },
  ): void {
    if (!turnOf(chat, deviceId).owed.delete(message)) return;
    if (reason !== undefined) this.#onSpared(reason);
    message.owedBy -= 1;
    if (message.owedBy === 0) this.#finish(chat, message);
  }

  #spare(chat: Chat, message: Waiting, reason: Spared | 'crowded'): void {
    this.#onSpared(reason);
    this.#finish(chat, message);
  }

  /** Takes the oldest message out of a conversation that has too many. */
  #crowdOut(chat: Chat): void {
    const [oldest] = chat.messages.values();
    if (oldest === undefined) return;
    for (const turn of chat.turns.values()) turn.owed.delete(oldest);
    this.#spare(chat, oldest, 'crowded');
  }

  #finish(chat: Chat, message: Waiting): void {
    if (!chat.messages.delete(message.seq)) return;
    const key = eventKey(message);
    this.#waiting.delete(key);
    this.#late.delete(key);
    this.#known.set(key, true);
    this.#budget.remove(message.bytes);
    message.done();
  }

  #chatOf(userId: UserId, conversationId: ConversationId): Chat {
    const key = chatKey(userId, conversationId);
    const known = this.#chats.get(key);
    if (known !== undefined) return known;
    const chat: Chat = {
      ...{ userId, conversationId, isAsking: false },
      ...{ messages: new Map(), turns: new Map() },
    };
    this.#chats.set(key, chat);
    return chat;
  }

  /** A chat that is asked about, or in which nothing is left, has no time. */
  #schedule(chat: Chat): void {
    if (chat.isAsking) return;
    const next = nextTime(chat);
    if (next !== undefined) this.#times.set(chat, next);
    else {
      this.#times.delete(chat);
      if (chat.messages.size > 0 || chat.turns.size > 0) return;
      this.#chats.delete(chatKey(chat.userId, chat.conversationId));
    }
  }
}

type Due = { isTold: boolean; dueMs: number };

function bytesOf({ taken = [] }: Note): number {
  return taken.reduce((bytes, deviceId) => bytes + 2 * deviceId.length, MESSAGE_BYTES);
}

function deviceIn(facts: PushFacts | null, deviceId: string): PushDevice | undefined {
  return facts?.devices.find(({ device_id: id }) => id === deviceId);
}

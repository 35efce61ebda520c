import type { PushDevice } from '../../../shared/contracts/pushes/push-facts.ts';
import type { ConversationId, EventId, UserId } from '../../../shared/ids.ts';
import type { Told } from './judge-message.ts';

/** The feed, or store after a gap of it, tells of a message and one of its recipients. */
export type Note = {
  eventId: EventId;
  userId: UserId;
  conversationId: ConversationId;
  seq: number;
  sentAtMs: number;
  /** Is undefined if store told of the message. */
  taken: readonly string[] | undefined;
  isInUse: boolean;
  done: () => void;
};

/** A device has taken a message after the feed had told of it. */
export type LateTake = {
  eventId: EventId;
  userId: UserId;
  conversationId: ConversationId;
  taken: string[];
  isInUse: boolean;
};

/** `steady` measures how long things take, and `wall` is compared with times of other hosts. */
export type Moment = { steadyMs: number; wallMs: number };

/** Store is asked what is true now of these messages. */
export type Question = { chat: Chat; seqs: number[] };
/** A device has its turn. It had this registration when that was judged. */
export type Ready = { chat: Chat; device: PushDevice };

/** A message waits for the moment at which its devices are judged, and then for their alerts. */
export type Waiting = Told & {
  eventId: EventId;
  /** The message is judged at this time. */
  dueMs: number;
  isJudged: boolean;
  /** So many devices are owed an alert of it. */
  owedBy: number;
  taken: Set<string>;
  bytes: number;
  /** The feed hears by this that nothing more is to be done about the message. */
  done: () => void;
};

/** A message can be taken or read after its alert was sent, too. */
export type Shown = Told & { eventId: EventId; taken: Set<string> };

/** The turn of a device in a conversation: it gets one alert at a time, and one in 2 s. */
type Turn = {
  deviceId: string;
  owed: Set<Waiting>;
  isSending: boolean;
  /** The alert on its way tells of these. */
  sending: Waiting[];
  /** The alert before it told of these. The next one within 2 s takes its place. */
  shown: Waiting[];
  notBeforeMs: number;
};

/** A chat is what one user is to be told of one conversation. */
export type Chat = {
  userId: UserId;
  conversationId: ConversationId;
  /** The map has the messages by their `seq`. */
  messages: Map<number, Waiting>;
  turns: Map<string, Turn>;
  isAsking: boolean;
};

export function chatKey(userId: UserId, conversationId: ConversationId): string {
  return `${userId}/${conversationId}`;
}

/** Returns the turn of the device, which begins if it has none. */
export function turnOf(chat: Chat, deviceId: string): Turn {
  const known = chat.turns.get(deviceId);
  if (known !== undefined) return known;
  const turn: Turn = {
    ...{ deviceId, owed: new Set<Waiting>(), isSending: false },
    ...{ sending: [], shown: [], notBeforeMs: 0 },
  };
  chat.turns.set(deviceId, turn);
  return turn;
}

/** Tells whether the device is owed an alert that may leave now. */
export function isReady({ owed, isSending, notBeforeMs }: Turn, nowMs: number): boolean {
  return owed.size > 0 && !isSending && notBeforeMs <= nowMs;
}

/** Ends the turns in which nothing is owed, and after which 2 s have passed. */
export function endTurns({ turns }: Chat, nowMs: number): void {
  for (const [deviceId, { owed, isSending, notBeforeMs }] of turns) {
    if (owed.size === 0 && !isSending && notBeforeMs <= nowMs) turns.delete(deviceId);
  }
}

/** Returns when something of the chat is due next, or undefined if only answers are waited for. */
export function nextTime({ messages, turns }: Chat): number | undefined {
  let next = Number.POSITIVE_INFINITY;
  for (const { dueMs, isJudged } of messages.values()) if (!isJudged) next = Math.min(next, dueMs);
  for (const turn of turns.values()) if (!turn.isSending) next = Math.min(next, turn.notBeforeMs);
  return next === Number.POSITIVE_INFINITY ? undefined : next;
}

export function* seqsOf({ owed, shown }: Pick<Turn, 'owed' | 'shown'>): Generator<number> {
  for (const { seq } of owed) yield seq;
  for (const { seq } of shown) yield seq;
}

/** The event is that of a message, and a late take names it and one of its recipients. */
export function eventKey({ eventId, userId }: { eventId: EventId; userId: UserId }): string {
  return `${eventId}/${userId}`;
}

export function addTake(
  message: Shown,
  { taken, isInUse }: { taken: readonly string[]; isInUse: boolean },
): void {
  for (const deviceId of taken) message.taken.add(deviceId);
  if (isInUse) message.isInUse = true;
}

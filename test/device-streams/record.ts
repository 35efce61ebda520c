/** A client acknowledges at once, late, or not at all. */
export type Patience = 'quick' | 'slow' | 'never';

/** A client was sent a durable event, in this session and at this time. */
type Sight = {
  /** The same event has the same key, however often it comes. */
  key: string;
  q: number;
  atMs: number;
  /** These are undefined unless the event is a message. */
  conversation?: string;
  seq?: number;
};

/** One session of a device, as its client has seen it. */
export type SessionRecord = {
  edge: number;
  openedAtMs: number;
  isResumed: boolean;
  /** The client has acknowledged all events up to this `q`. */
  acknowledgedQ: number;
  sights: Sight[];
  /** Every `q` of the session, of all kinds of frames, in the order in which they came. */
  qs: number[];
};

/**
 * A device was told that its queue was new. Its client reads elsewhere what was sent until the new
 * queue surely existed.
 */
export type Told = {
  atMs: number;
  coveredUntilMs: number;
  /** The replay ended with this `q`. */
  endQ?: number;
  /** The client acknowledged the end of the replay. Until then the next session is told again. */
  finishedAtMs?: number;
};

export type DeviceRecord = {
  name: string;
  sessions: SessionRecord[];
  told: Told[];
  /** The trace tells in words what happened to the device. */
  trace: { atMs: number; text: string }[];
};

export type MessageRecord = { seq: number; messageId: string; sentAtMs: number };

export type ConversationRecord = {
  id: string;
  messages: readonly MessageRecord[];
  /** All messages of the conversation are owed to these. */
  devices: readonly DeviceRecord[];
};

/** A disturbance may bring an event behind newer ones of its conversation. */
export type Disturbance = {
  kind: string;
  atMs: number;
  /** The queue of the device with this name was lost. All other devices are left alone. */
  device?: string;
};

export type RoundRecord = {
  startedAtMs: number;
  conversations: readonly ConversationRecord[];
  devices: readonly DeviceRecord[];
  disturbances: readonly Disturbance[];
};

export const keyOfMessage = (messageId: string): string => `message ${messageId}`;

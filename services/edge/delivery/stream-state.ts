import { OFFER_TIMEOUT_MS, PUBLISH_TIMEOUT_MS } from '../../../shared/contracts/offer-answers.ts';
import type { EventId } from '../../../shared/ids.ts';

/** This is what the queue said last. */
type Heard = {
  /** The queue sent an event for the first time, and had no more. */
  readonly isDrained: boolean;
  /** The queue sent the event, or the stream was bound to it, at this time, by `steadyMs`. */
  readonly heardAt: number;
};

type FromQueue = Heard & {
  readonly kind: 'fromQueue';
  readonly boundAt: number;
  /** The stream goes live no earlier than this after it was bound. */
  readonly waitMs: number;
  /** These are the newest refused events of each router that the queue has not sent yet. */
  readonly awaited: readonly Refused[];
};
/** The stream refused the event at this time, by `steadyMs`. */
type Refused = { readonly router: string; readonly eventId: EventId; readonly refusedAt: number };
type Live = Heard & { readonly kind: 'live' };
type Leaving = Heard & {
  readonly kind: 'leaving';
  /** The stream takes what the queue has begun to send, no longer than until this time. */
  readonly until: number;
  /** The stream is still bound to its queue. */
  readonly isBound: boolean;
};

/**
 * A session is bound to its queue for life, and gets its events in one of these ways:
 *
 *     gone ──opened──► fromQueue ──the queue is empty, and nothing older can come──► live
 *                       │     ▲                                                       │
 *                       │     └──an older event is still on its way from the queue────┤
 *                       │        · the client lags · NATS reconnected                 │
 *                       └────────────┬──────────────ended─────────────────────────────┘
 *                                    ▼
 *                       leaving, bound ──the queue is silent · 256 · 200 ms──► leaving, unbound
 *                                                                                     │
 *                       gone ◄──────────────the queue has all back──released──────────┘
 *
 * `fromQueue` refuses what routers offer, and awaits it from the queue, for 4 s at most. `live`
 * takes what routers offer. Both send what the queue sends. `leaving` refuses offers, keeps what
 * the queue sends from the client, and puts back what its client has not acknowledged. `gone` holds
 * neither the device nor its queue; a session whose queue is replaced passes through it.
 */
export type StreamState = FromQueue | Live | Leaving | { readonly kind: 'gone' };

/** `unacked` counts the events that the client has not acknowledged. */
export type StreamInput =
  /** `isNew` says that the queue was made for this session. */
  | { readonly kind: 'opened'; readonly isNew: boolean }
  | {
      readonly kind: 'offered';
      /** The router put an event with this number into the queue before. 0 means none. */
      readonly after: number;
      /** The queue has sent the stream no higher number than this. */
      readonly highest: number;
      readonly unacked: number;
    }
  /** The stream refused the event of this router, and its queue has yet to send it. */
  | { readonly kind: 'refused'; readonly router: string; readonly eventId: EventId }
  | {
      readonly kind: 'copied';
      readonly eventId: EventId;
      readonly isFirst: boolean;
      readonly pending: number;
      /** The stream had refused this event. */
      readonly isRefused: boolean;
      readonly unacked: number;
    }
  /** Time has passed, or the client has acknowledged. `isLate` is about an offered event. */
  | { readonly kind: 'looked'; readonly unacked: number; readonly isLate: boolean }
  | { readonly kind: 'reconnected' }
  | { readonly kind: 'ended'; readonly unacked: number }
  | { readonly kind: 'released' };

/** A stream goes live with fewer unacknowledged events than this. */
const LIVE_BELOW = 64;
/**
 * A client lags with this many unacknowledged events. Its queue sets the pace then, because the
 * queue stops at 256.
 */
export const LAGGING = 128;
/** JetStream sends no more than this many events that are not acknowledged. */
const QUEUE_STOPS_AT = 256;
/**
 * An event that a router offered before the stream was bound is in the queue after this time, or
 * never comes there. The same holds for an event that the stream refused: its router may have died,
 * or another session of the device may have taken the event.
 */
const BOUND_MS = OFFER_TIMEOUT_MS + PUBLISH_TIMEOUT_MS;
/**
 * Nothing was offered to a device whose queue is new. A refused event that came from the queue
 * shows that what was offered before it has come too.
 */
const BOUND_SHORT_MS = 1_000;
/** A queue that sends nothing for this long has nothing to send. */
const SILENT_MS = 1_000;
/** A stream that ends takes for this long what its queue has begun to send. */
export const LEAVE_MS = 200;
const ROUTERS_MAX = 64;

export const GONE: StreamState = { kind: 'gone' };
/** A stream went live because its queue was drained or silent. It has heard nothing since. */
const LIVE: Live = { kind: 'live', isDrained: true, heardAt: 0 };

/** Returns the state that follows. It is the same object where nothing changes. */
export function next(state: StreamState, input: StreamInput, nowMs: number): StreamState {
  if (input.kind === 'released') return GONE;
  switch (state.kind) {
    case 'gone':
      return input.kind === 'opened' ? opened(input.isNew, nowMs) : state;
    case 'fromQueue':
      return nextFromQueue(state, input, nowMs);
    case 'live':
      return nextLive(state, input, nowMs);
    case 'leaving':
      return nextLeaving(state, input, nowMs);
  }
}

function opened(isNew: boolean, nowMs: number): FromQueue {
  const waitMs = isNew ? BOUND_SHORT_MS : BOUND_MS;
  const heard = { isDrained: false, heardAt: nowMs };
  return { kind: 'fromQueue', ...heard, boundAt: nowMs, waitMs, awaited: [] };
}

function nextFromQueue(state: FromQueue, input: StreamInput, nowMs: number): StreamState {
  switch (input.kind) {
    case 'refused': {
      const others = state.awaited.filter(({ router }) => router !== input.router);
      const { router, eventId } = input;
      const refused = { router, eventId, refusedAt: nowMs };
      const awaited = [...others.slice(1 - ROUTERS_MAX), refused];
      return { ...state, awaited };
    }
    case 'copied': {
      const { eventId, isRefused } = input;
      const waitMs = isRefused ? Math.min(state.waitMs, BOUND_SHORT_MS) : state.waitMs;
      const awaited = state.awaited.filter((refused) => refused.eventId !== eventId);
      const after = { ...state, ...heard(input, nowMs), waitMs, awaited };
      return isDue(after, input.unacked, nowMs) ? LIVE : after;
    }
    case 'looked':
      return isDue(state, input.unacked, nowMs) ? LIVE : state;
    case 'reconnected':
      return { ...state, isDrained: false, heardAt: nowMs };
    case 'ended':
      return leaving(state, input.unacked, nowMs);
    default:
      return state;
  }
}

function isDue(state: FromQueue, unacked: number, nowMs: number): boolean {
  if (unacked >= LIVE_BELOW || nowMs - state.boundAt < state.waitMs) return false;
  const isAwaiting = state.awaited.some(({ refusedAt }) => nowMs - refusedAt < BOUND_MS);
  return !isAwaiting && isQuiet(state, nowMs);
}

function isQuiet({ isDrained, heardAt }: Heard, nowMs: number): boolean {
  return isDrained || nowMs - heardAt >= SILENT_MS;
}

function heard(copied: { isFirst: boolean; pending: number }, nowMs: number): Heard {
  return { isDrained: copied.isFirst && copied.pending === 0, heardAt: nowMs };
}

function nextLive(state: Live, input: StreamInput, nowMs: number): StreamState {
  switch (input.kind) {
    case 'offered': {
      const isBehind = input.after > input.highest;
      return isBehind || input.unacked >= LAGGING ? backToQueue(state) : state;
    }
    case 'copied': {
      const now = heard(input, nowMs);
      return input.pending > 0 ? backToQueue(now) : { kind: 'live', ...now };
    }
    case 'looked':
      return input.isLate || input.unacked >= LAGGING ? backToQueue(state) : state;
    case 'reconnected':
      return backToQueue({ isDrained: false, heardAt: nowMs });
    case 'ended':
      return leaving(state, input.unacked, nowMs);
    default:
      return state;
  }
}

/** A stream that has been live has been bound for long enough. */
function backToQueue({ isDrained, heardAt }: Heard): FromQueue {
  return { kind: 'fromQueue', isDrained, heardAt, boundAt: 0, waitMs: 0, awaited: [] };
}

function leaving({ isDrained, heardAt }: Heard, unacked: number, nowMs: number): Leaving {
  const isBound = unacked < QUEUE_STOPS_AT && !isQuiet({ isDrained, heardAt }, nowMs);
  return { kind: 'leaving', isDrained, heardAt, until: nowMs + LEAVE_MS, isBound };
}

function nextLeaving(state: Leaving, input: StreamInput, nowMs: number): StreamState {
  if (!state.isBound) return state;
  if (input.kind === 'copied') {
    const now = heard(input, nowMs);
    return { ...state, ...now, isBound: !now.isDrained && input.unacked < QUEUE_STOPS_AT };
  }
  if (input.kind === 'looked' && nowMs >= state.until) return { ...state, isBound: false };
  return state;
}

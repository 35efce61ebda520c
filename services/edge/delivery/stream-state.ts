import type { EventId } from '../../../shared/ids.ts';

type FromQueue = {
  readonly kind: 'fromQueue';
  /** The session goes live no earlier than at this time, in epoch ms. */
  readonly liveAfter: number;
  /** The queue had nothing more to send, or has sent nothing since the session takes from it. */
  readonly isDrained: boolean;
  /** This is the newest event that the session refused, until the queue has sent it. */
  readonly refused: EventId | undefined;
};

/**
 * A session gets its events in one of these ways:
 *
 *     gone ──opened──► fromQueue ──the queue is empty, and nothing can come again──► live
 *                       │     ▲                                                       │
 *                       │     └──disturbed · 128 unacknowledged · the queue has more──┤
 *                       │        · 2.5 to 7.5 minutes have passed                     │
 *                       └────────────┬──────────────ended─────────────────────────────┘
 *                                    ▼
 *                                 leaving ──the queue has all back──► gone
 *
 * `fromQueue` refuses what routers offer, and takes what the queue sends. `live` takes what routers
 * offer. `leaving` does neither, and puts back what its client has not acknowledged. `gone` holds
 * neither the device nor its queue; a session whose queue is replaced passes through it.
 */
export type StreamState =
  | FromQueue
  | {
      readonly kind: 'live';
      /** The session looks into its queue after this time, in epoch ms. */
      readonly until: number;
    }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'gone' };

/**
 * `unacked` counts the events that the client has not acknowledged. `random` is between 0 and 1.
 */
export type StreamInput =
  | { readonly kind: 'opened'; readonly isNew: boolean }
  /** A router offers an event that the session does not know. */
  | { readonly kind: 'offered'; readonly unacked: number }
  /** The session left the event to its queue. */
  | { readonly kind: 'refused'; readonly eventId: EventId }
  /** The queue sent the event; `isLast` says that it has no more. */
  | {
      readonly kind: 'copied';
      readonly eventId: EventId;
      readonly isLast: boolean;
      readonly unacked: number;
      readonly random: number;
    }
  /** Time has passed. */
  | { readonly kind: 'looked'; readonly unacked: number; readonly random: number }
  /** The session may have missed offers, or its client is late. */
  | { readonly kind: 'disturbed' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'released' };

/**
 * A client lags with this many unacknowledged events. Its queue sets the pace then, because the
 * queue stops at 256.
 */
const LAGGING = 128;
/**
 * A queue that is silent for this long is empty. The time is longer than `ack_wait`, 10 s: what the
 * queue sent to a session that is gone, or to nobody in the instant of an UNSUB, comes again by
 * then.
 */
const REPEATS_MS = 12_000;
/**
 * Nothing waits in a queue that was made just now. Events that came since then are here after this
 * time.
 */
const NEW_QUEUE_MS = 1_000;
/**
 * A live session looks into its queue after this time ± a half. It finds the events there whose
 * signal was lost.
 */
const LIVE_FOR_MS = 300_000;

export const GONE: StreamState = { kind: 'gone' };
const LEAVING: StreamState = { kind: 'leaving' };

/** Returns the state that follows. It is the same object where nothing changes. */
export function next(state: StreamState, input: StreamInput, nowMs: number): StreamState {
  if (input.kind === 'opened') {
    const waitMs = input.isNew ? NEW_QUEUE_MS : REPEATS_MS;
    return state.kind === 'gone' ? { ...fromQueue(nowMs), liveAfter: nowMs + waitMs } : state;
  }
  if (input.kind === 'released') return GONE;
  switch (state.kind) {
    case 'fromQueue':
      return nextFromQueue(state, input, nowMs);
    case 'live':
      return nextLive(state, input, nowMs);
    default:
      return state;
  }
}

type Going = Exclude<StreamInput, { kind: 'opened' | 'released' }>;

function nextFromQueue(state: FromQueue, input: Going, nowMs: number): StreamState {
  switch (input.kind) {
    case 'offered':
      return state;
    case 'refused':
      return { ...state, refused: input.eventId };
    case 'copied': {
      const { eventId, isLast } = input;
      const refused = state.refused === eventId ? undefined : state.refused;
      const isSame = isLast === state.isDrained && refused === state.refused;
      const after = isSame ? state : { ...state, isDrained: isLast, refused };
      return liveIfDue(after, input, nowMs);
    }
    case 'looked':
      return liveIfDue(state, input, nowMs);
    case 'disturbed':
      return { ...state, liveAfter: nowMs + REPEATS_MS };
    case 'ended':
      return LEAVING;
  }
}

function nextLive(
  state: Extract<StreamState, { kind: 'live' }>,
  input: Going,
  nowMs: number,
): StreamState {
  switch (input.kind) {
    case 'offered':
      return input.unacked >= LAGGING ? fromQueue(nowMs) : state;
    case 'copied':
      return input.isLast ? state : { ...fromQueue(nowMs), isDrained: false };
    case 'looked':
      return nowMs > state.until ? fromQueue(nowMs) : state;
    case 'disturbed':
      return fromQueue(nowMs);
    case 'ended':
      return LEAVING;
    case 'refused':
      return state;
  }
}

function fromQueue(nowMs: number): FromQueue {
  const liveAfter = nowMs + REPEATS_MS;
  return { kind: 'fromQueue', liveAfter, isDrained: true, refused: undefined };
}

type Due = { unacked: number; random: number };

function liveIfDue(state: FromQueue, { unacked, random }: Due, nowMs: number): StreamState {
  if (!state.isDrained || state.refused !== undefined) return state;
  if (nowMs < state.liveAfter || unacked >= LAGGING) return state;
  return { kind: 'live', until: nowMs + LIVE_FOR_MS * (0.5 + random) };
}

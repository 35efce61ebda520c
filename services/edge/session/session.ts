import type { KahaError } from '../../../shared/errors.ts';
import type { ConversationId, EventId, UserId } from '../../../shared/ids.ts';
import type { HeldEvent } from '../delivery/held-event.ts';
import type { LiveEvents } from '../delivery/live-events.ts';
import type { UnackedQueue } from '../delivery/unacked.ts';
import type { StickyRoute } from '../routers/router-client.ts';
import type { LeanSubscription } from './subscriptions.ts';

/** What a session needs of its WebSocket; touching one that is closed throws. */
export type Socket = {
  /** 1 sent, 0 queued, 2 dropped. */
  send(frame: string | Uint8Array, isBinary?: boolean): number;
  getBufferedAmount(): number;
  /** Calls the close handler before it returns. */
  end(code: number, reason: string): void;
  cork(write: () => void): unknown;
};

/**
 *     connected ──auth──► verifying ──good token──► opening ──queue is ready──► open
 *         │                   │                        │                         │
 *         └───────────────────┴────────────────────────┴─────────────────────────┴──► closed
 *
 * A token that came with the upgrade was verified before: such a session begins as `opening`.
 * From `opening` on the user is known and requests are carried out.
 */
export type SessionState = 'connected' | 'verifying' | 'opening' | 'open' | 'closed';

/**
 * A conversation whose participants may have been told that this session types, and were not told
 * that it stopped. `dueAt` is when the edge tells them.
 */
export type Typed = { session: Session; conversationId: ConversationId; dueAt: number };

/**
 * One WebSocket. 20 000 of them live in a process: plain fields, all set from the start, no timer
 * and no closure of its own; what is rarely there is undefined until needed.
 */
export class Session {
  state: SessionState = 'connected';
  /** Why it is to be closed as soon as it is open: a browser must see a close code. */
  refusal: KahaError | undefined = undefined;
  socket: Socket | undefined = undefined;
  userId: UserId | undefined = undefined;
  deviceId = 'default';
  sessionId = '';
  /** Orders the sessions of one device over all edges. */
  epoch = 0;
  resumed = false;
  /** The queue is being made anew while the socket stays. */
  isReopening = false;
  /** It was told that its queue is void while it was being opened. */
  isVoidTold = false;

  isGoingAwayTold = false;

  readonly connectedAt: number;
  lastFrameAt: number;
  tokenEndsAt = 0;
  isTokenEndTold = false;

  /** Frames of this turn of the event loop, see `Hub.sendSoon`. */
  outbox: (string | Uint8Array)[] | undefined = undefined;
  /** It holds its device, and can be asked to let go of it. */
  device: LeanSubscription<Session> | undefined = undefined;
  /** It takes from its queue. */
  deliver: LeanSubscription<Session> | undefined = undefined;
  /** It takes what routers offer, see `Delivery`; not before, and not longer than. */
  isLive = false;
  liveAfter = 0;
  liveUntil = 0;
  /** Its queue had nothing more to send, or has sent nothing since it takes from it. */
  isDrained = false;
  /** The newest event that it left to its queue, until that has sent it. */
  leftToQueue: EventId | undefined = undefined;
  /** What it was sent beside its queue. */
  live: LiveEvents | undefined = undefined;
  /** The letting go of its queue, once it has begun. */
  ending: Promise<void> | undefined = undefined;
  lastQ = 0;
  /** What the client has acknowledged; ahead of the queue only while NATS is away. */
  acknowledgedQ = 0;
  unacked: UnackedQueue | undefined = undefined;
  /** Events that wait for names, or behind one that does, see `NamelessEvents`. */
  held: HeldEvent[] | undefined = undefined;
  /** Since when an acknowledgement is due; only meaningful while one is. */
  ackDueSince = 0;

  /** Times of the last bad frames. */
  badFrames: number[] | undefined = undefined;
  /** Where it is typing, ≤ 32. */
  typingIn: Map<ConversationId, Typed> | undefined = undefined;
  /** It counts for its user being online. */
  isPresent = false;
  /** Whom it watches, and whether it may know of them; ≤ 1000. */
  watches: Map<UserId, boolean> | undefined = undefined;
  sticky: Map<ConversationId, StickyRoute> | undefined = undefined;

  constructor(nowMs: number) {
    this.connectedAt = nowMs;
    this.lastFrameAt = nowMs;
  }

  get isAuthenticated(): boolean {
    return this.state === 'opening' || this.state === 'open';
  }
}

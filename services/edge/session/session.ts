import type { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, ConversationId, UserId } from '../../../shared/ids.ts';
import type { DeviceStream } from '../delivery/device-stream.ts';
import type { StickyRoute } from '../routers/router-client.ts';
import type { SigningKey } from '../tokens/signing-key.ts';

/** A session needs this of its WebSocket. A call on a closed WebSocket throws. */
export type Socket = {
  /** Returns 1 where the frame is sent, 0 where it is queued, and 2 where it is dropped. */
  send(frame: string | Uint8Array, isBinary?: boolean): number;
  getBufferedAmount(): number;
  /** Calls the close handler before it returns. */
  end(code: number, reason: string): void;
  /** Cuts the connection, and frees what waits in it. Calls the close handler before it returns. */
  close(): void;
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
type SessionState = 'connected' | 'verifying' | 'opening' | 'open' | 'closed';

/**
 * The participants of this conversation may have been told that the session types, and were not
 * told that it stopped. The edge tells them at `dueAt`, by `steadyMs`.
 */
export type Typed = { session: Session; conversationId: ConversationId; dueAt: number };

/** A client counts as in use for this long after a frame that is not routine. */
const IN_USE_MS = 60_000;

/**
 * A session is one WebSocket. A process holds 20 000 of them, so a session has plain fields, all
 * set from the start, and neither a timer nor a closure of its own. A field that is rarely needed
 * is undefined until then.
 */
export class Session {
  state: SessionState = 'connected';
  /**
   * The edge closes the session for this reason as soon as it is open. A browser sees a close code,
   * but no HTTP status.
   */
  refusal: KahaError | undefined = undefined;
  socket: Socket | undefined = undefined;
  userId: UserId | undefined = undefined;
  deviceId = 'default';
  sessionId = '';
  /** The epoch orders the sessions of one device over all edges. */
  epoch = 0;
  resumed = false;
  /** The edge opens the queue anew while the socket stays. */
  isReopening = false;
  /** A router told that the queue is void while the queue was being opened. */
  isVoidTold = false;

  isGoingAwayTold = false;

  /** The times of a session are by `steadyMs`, but for the end of its token. */
  connectedAt: number;
  lastFrameAt: number;
  /** The client sent its last frame that is not routine at this time. */
  lastUseAt = Number.NEGATIVE_INFINITY;
  /** The device was signed out at this epoch: it may not have a session from before. */
  signedOutEpoch = 0;
  /** The token was issued at this time, in epoch ms; 0 where it does not say so. */
  tokenIssuedAt = 0;
  /** The token ends at this time, in epoch ms. */
  tokenEndsAt = 0;
  /** The session ends when this key of its token is withdrawn. */
  tokenKey: SigningKey | undefined = undefined;
  /** Store is told of the device at this time; 0 until it has opened. */
  seenDueMs = 0;
  isTokenEndTold = false;

  /** These frames are written at the end of this turn of the event loop, see `Hub.sendSoon`. */
  outgoing: (string | Uint8Array)[] | undefined = undefined;
  outgoingBytes = 0;
  /** The session gets the events of its device by this stream, once it is open. */
  stream: DeviceStream<Session> | undefined = undefined;

  /** The last bad frames came at these times. */
  badFrames: number[] | undefined = undefined;
  /** The user is typing in these conversations, ≤ 32. */
  typingIn: Map<ConversationId, Typed> | undefined = undefined;
  /** The session makes its user count as online. */
  isPresent = false;
  /**
   * The session watches these users. The value tells whether it may know their presence. It watches
   * ≤ 1000 users and businesses.
   */
  watches: Map<UserId, boolean> | undefined = undefined;
  /** The session watches the inboxes of these businesses, ≤ 20. */
  inboxes: Set<BusinessId> | undefined = undefined;
  /** The session watches the presence of these businesses. */
  businesses: Set<BusinessId> | undefined = undefined;
  sticky: Map<ConversationId, StickyRoute> | undefined = undefined;

  constructor(nowMs: number) {
    this.connectedAt = nowMs;
    this.lastFrameAt = nowMs;
  }

  /**
   * The edge was stopped for `stoppedMs`, and read nothing then. That time does not count against
   * the client.
   */
  excuse(nowMs: number, stoppedMs: number): void {
    this.connectedAt = Math.min(nowMs, this.connectedAt + stoppedMs);
    this.lastFrameAt = Math.min(nowMs, this.lastFrameAt + stoppedMs);
    this.stream?.excuse(nowMs, stoppedMs);
  }

  /** Tells whether somebody uses the client: it sent a frame that is not routine within 60 s. */
  isInUse(nowMs: number): boolean {
    return nowMs - this.lastUseAt <= IN_USE_MS;
  }

  get isAuthenticated(): boolean {
    return this.state === 'opening' || this.state === 'open';
  }
}

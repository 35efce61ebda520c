import { CLOSE } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import { tellTokenEnd } from '../tokens/token-end.ts';

/** The edge may notice a limit of time this late. */
const SWEEP_MS = 500;
/** A withdrawn key ends this many sessions in one sweep, so that the others go on being served. */
const WITHDRAWN_MAX = 1_000;

/**
 * One timer enforces all limits of time of all sessions: authentication (4502), heartbeat (4012),
 * the end of the token (4005) and acknowledgement (4013). It also closes the sessions whose token
 * has a withdrawn key (4500). 20 000 sessions take about a millisecond.
 */
export class SessionSweep {
  readonly #hub: Hub;
  readonly #timer: NodeJS.Timeout;
  #withdrawn = 0;

  constructor(hub: Hub) {
    this.#hub = hub;
    this.#timer = setInterval(() => this.sweep(Date.now()), SWEEP_MS);
  }

  sweep(nowMs: number): void {
    this.#withdrawn = 0;
    for (const session of this.#hub.sessions) this.#look(session, nowMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(session: Session, nowMs: number): void {
    if (!session.isAuthenticated) {
      if (nowMs - session.connectedAt >= LIMITS.authTimeoutMs) {
        this.#hub.close(session, CLOSE.AUTH_TIMEOUT);
      }
    } else if (session.tokenKey?.isWithdrawn === true) {
      this.#withdrawn += 1;
      if (this.#withdrawn <= WITHDRAWN_MAX) this.#hub.close(session, CLOSE.BAD_TOKEN);
    } else if (nowMs - session.lastFrameAt > LIMITS.heartbeatTimeoutMs) {
      this.#hub.close(session, CLOSE.NO_HEARTBEAT);
    } else if (session.stream?.isAcknowledgementLate(nowMs) === true) {
      this.#hub.close(session, CLOSE.NO_ACKNOWLEDGEMENT);
    } else {
      tellTokenEnd(this.#hub, session, nowMs);
    }
  }
}

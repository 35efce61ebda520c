import { CLOSE } from '../../../shared/errors.ts';
import { repeat } from '../../../shared/process/repeat.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import { tellTokenEnd } from '../tokens/token-end.ts';

/** The edge may notice a limit of time this late. */
const SWEEP_MS = 500;
/** A withdrawn key ends this many sessions in one sweep, so that the others go on being served. */
const WITHDRAWN_MAX = 1_000;

/** Tokens end by the wall clock. All else is by `steadyMs`, and `repeat` says what `readMs` is. */
type Times = { nowMs: number; readMs: number; wallMs: number };

/**
 * One timer enforces all limits of time of all sessions: authentication (4502), heartbeat (4012),
 * the end of the token (4005) and acknowledgement (4013). It also closes the sessions whose token
 * has a withdrawn key (4500). 20 000 sessions take about a millisecond.
 *
 * An edge that was stopped for a while finds each client silent for as long, although its frames
 * wait unread in the kernel. The edge takes this time off the silence, and reads before it judges.
 */
export class SessionSweep {
  readonly #hub: Hub;
  readonly close: () => void;
  #withdrawn = 0;

  constructor(hub: Hub) {
    this.#hub = hub;
    this.close = repeat(SWEEP_MS, (nowMs, readMs) => {
      this.sweep({ nowMs, readMs, wallMs: Date.now() });
    });
  }

  sweep(times: Times): void {
    this.#withdrawn = 0;
    const { nowMs, readMs } = times;
    const stoppedMs = nowMs - readMs - SWEEP_MS;
    for (const session of this.#hub.sessions) {
      this.#look(session, times);
      if (stoppedMs > 0) session.excuse(nowMs, stoppedMs);
    }
  }

  #look(session: Session, { readMs, wallMs }: Times): void {
    if (!session.isAuthenticated) {
      if (readMs - session.connectedAt >= LIMITS.authTimeoutMs) {
        this.#hub.close(session, CLOSE.AUTH_TIMEOUT);
      }
    } else if (session.tokenKey?.isWithdrawn === true) {
      this.#withdrawn += 1;
      if (this.#withdrawn <= WITHDRAWN_MAX) this.#hub.close(session, CLOSE.BAD_TOKEN);
    } else if (readMs - session.lastFrameAt > LIMITS.heartbeatTimeoutMs) {
      this.#hub.close(session, CLOSE.NO_HEARTBEAT);
    } else if (session.stream?.isAcknowledgementLate(readMs) === true) {
      this.#hub.close(session, CLOSE.NO_ACKNOWLEDGEMENT);
    } else {
      tellTokenEnd(this.#hub, session, wallMs);
    }
  }
}

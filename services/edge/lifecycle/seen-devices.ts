import { CLOSE } from '../../../shared/errors.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { SeenReports } from './seen-reports.ts';

type Deps = { hub: Hub; reports: SeenReports };

/** The edge looks this often for sessions that are due, and tells of them at most this late. */
const SWEEP_MS = 5_000;
/**
 * A session is told of for the first time within 5 minutes, at random, so that 10 000 sessions that
 * come at once are not told of at once.
 */
const FIRST_MS = 300_000;
const HOUR_MS = 3_600_000;
const JITTER = 0.1;

/**
 * Tells store when the devices of this edge were there: when a session ends, and each hour while it
 * lasts. After a kill of the edge, store so knows of each session that lasted longer than 5
 * minutes, and its time is an hour old at most. `due` is by `steadyMs`.
 */
export class SeenDevices {
  readonly #deps: Deps;
  readonly #timer: NodeJS.Timeout;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.sweep(steadyMs()), SWEEP_MS);
  }

  opened(session: Session): void {
    session.seenDueMs = steadyMs() + Math.random() * FIRST_MS;
  }

  /**
   * A session that never opened had no device, so nobody is told of its end. Of a device that was
   * signed out nobody is told either, however late this edge heard of it: it would be listed again.
   */
  closed(session: Session, code: number): void {
    const { userId, deviceId, seenDueMs } = session;
    if (seenDueMs === 0 || userId === undefined) return;
    if (code === CLOSE.KICKED) this.#deps.reports.forget(userId, deviceId);
    else this.#tell(session, steadyMs());
  }

  sweep(nowMs: number): void {
    for (const session of this.#deps.hub.sessions) {
      if (session.seenDueMs === 0 || session.seenDueMs > nowMs) continue;
      session.seenDueMs = nowMs + HOUR_MS * (1 - Math.random() * JITTER);
      this.#tell(session, nowMs);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tell({ userId, deviceId, tokenIssuedAt: issuedAt }: Session, seenAtMs: number): void {
    if (userId === undefined) return;
    this.#deps.reports.tell({ userId, deviceId, seenAtMs, issuedAt });
  }
}

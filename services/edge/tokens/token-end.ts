import { CLOSE } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { tokenExpiringFrame } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';

/**
 * Announces the end of the session's token once, 60 s before, and closes the socket when the token
 * ends.
 */
export function tellTokenEnd(hub: Hub, session: Session, nowMs: number): void {
  const leftMs = session.tokenEndsAt - nowMs;
  if (leftMs > LIMITS.tokenExpiringMs || session.state !== 'open') return;
  if (leftMs <= 0) {
    hub.close(session, CLOSE.TOKEN_EXPIRED);
  } else if (!session.isTokenEndTold) {
    session.isTokenEndTold = true;
    hub.send(session, 'token_expiring', tokenExpiringFrame(session.tokenEndsAt));
  }
}

import { CLOSE } from '../../../shared/errors.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { goingAwayFrame } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';

type Plan = { drainMs: number; reconnectMs: number };
type Parts = { hub: Hub; delivery: Delivery; server: { readonly callsInFlight: number } };

const POLL_MS = 50;

/**
 * Sends all clients away. Each is told when to come back, spread over `reconnectMs`. After all have
 * left and every REST call is answered, or after `drainMs`, the rest are closed with 4000. Resolves
 * once every queue is let go of.
 */
export async function drainClients({ hub, delivery, server }: Parts, plan: Plan): Promise<void> {
  const { drainMs, reconnectMs } = plan;
  const endsAt = steadyMs() + drainMs;
  do {
    for (const session of [...hub.sessions]) tell(hub, session, reconnectMs);
    if (hub.sessions.size === 0 && server.callsInFlight === 0) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  } while (steadyMs() < endsAt);
  for (const session of [...hub.sessions]) hub.close(session, CLOSE.GOING_AWAY);
  await delivery.settled();
}

/**
 * Tells an open session to go. A session that is still opening is told later, because `auth_ok`
 * comes before any event.
 */
function tell(hub: Hub, session: Session, reconnectMs: number): void {
  if (session.isGoingAwayTold || session.state !== 'open') return;
  session.isGoingAwayTold = true;
  hub.send(session, 'going_away', goingAwayFrame(Math.floor(Math.random() * reconnectMs)));
}

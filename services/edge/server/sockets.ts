import { CLOSE, type CloseCode } from '../../../shared/errors.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import { closeCodeOf } from '../erased/user-erased.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import type { SeenDevices } from '../lifecycle/seen-devices.ts';
import type { SessionOpening } from '../lifecycle/session-opening.ts';
import type { Presence } from '../presence/presence.ts';
import type { Typing } from '../presence/typing.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { UserSignals } from '../session/user-signals.ts';
import type { Connections } from './connections.ts';

type Deps = {
  connections: Connections;
  hub: Hub;
  opening: SessionOpening;
  delivery: Delivery;
  signals: UserSignals;
  typing: Typing;
  presence: Presence;
  inboxes: Inboxes;
  seen: SeenDevices;
  metrics: EdgeMetrics;
};

/** The library tells this code where the connection is gone already. */
const CUT = 1006;
const OUR_CODES: ReadonlySet<number> = new Set(Object.values(CLOSE));

/** Does what must be done when a connection or a socket opens, and when it closes. */
export class Sockets {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Counts a connection. Returns false where the server must cut it. */
  connected(): boolean {
    const { connections, metrics } = this.#deps;
    const mayStay = connections.opened();
    if (!mayStay) metrics.refused.add('cut');
    return mayStay;
  }

  opened(session: Session): void {
    const { hub, opening } = this.#deps;
    hub.sessions.add(session);
    if (session.refusal !== undefined) hub.close(session, refusalCode(session));
    else if (session.userId !== undefined) void opening.open(session, session.userId, {});
  }

  /** The socket is gone: nothing may touch it any more. */
  closed(session: Session, code: number): void {
    const { connections, opening, delivery, signals, typing, presence, inboxes, seen, metrics } =
      this.#deps;
    session.state = 'closed';
    session.socket = undefined;
    if (code !== CUT) connections.closing();
    metrics.closes.add(OUR_CODES.has(code) ? String(code) : 'client');
    opening.closed(session);
    signals.leave(session);
    typing.closed(session);
    presence.closed(session);
    inboxes.closed(session);
    seen.closed(session, code);
    void delivery.stop(session);
  }
}

function refusalCode({ refusal }: Session): CloseCode {
  return refusal?.code === 'UNAUTHENTICATED' ? closeCodeOf(refusal) : CLOSE.SERVER_ERROR;
}

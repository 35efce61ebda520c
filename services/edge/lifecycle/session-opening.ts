import { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import { authOkFrame, type RequestId } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { UserSignals } from '../session/user-signals.ts';
import { tellTokenEnd } from '../tokens/token-end.ts';
import type { QueueOpening } from './queue-opening.ts';

type Deps = {
  queues: QueueOpening;
  signals: UserSignals;
  hub: Hub;
  onOpened: (session: Session, userId: UserId) => void;
  metrics: EdgeMetrics;
};

export type OpenRequest = { id?: RequestId | undefined; resync?: boolean | undefined };

const MS_PER_S = 1_000;

/**
 * Opens sessions, each with its device's queue:
 *
 *     SUB user → `QueueOpening` asks the router → auth_ok → `QueueOpening` attaches and replays
 *
 * The router's answer proves that the NATS server has the first SUB, so the session loses no signal
 * after `auth_ok`.
 */
export class SessionOpening {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#deps.queues.waiting;
  }

  /** Tells whether the edge would have to refuse one more session. */
  get isFull(): boolean {
    return this.#deps.queues.isFull;
  }

  /** Opens a session whose user is known. */
  async open(session: Session, userId: UserId, request: OpenRequest): Promise<void> {
    const { queues, signals, onOpened, metrics } = this.#deps;
    const startedAt = steadyMs();
    session.state = 'opening';
    session.sessionId = newId();
    signals.join(session, userId);
    const opened = await queues.ask(
      session,
      userId,
      request.resync === true ? { resync: true } : {},
    );
    if (opened === undefined) return;
    session.state = 'open';
    session.epoch = opened.epoch;
    session.resumed = opened.resumed;
    this.#sendAuthOk(session, request.id);
    queues.attach(session, userId, opened);
    onOpened(session, userId);
    metrics.openSeconds.observe((steadyMs() - startedAt) / MS_PER_S);
    await queues.catchUp(session, userId, opened);
  }

  /** The socket is gone, whatever the state of its session was. */
  closed(session: Session): void {
    this.#deps.queues.leave(session);
  }

  /** The client asks for a new queue on its live socket. */
  async resync(session: Session, userId: UserId, request: OpenRequest): Promise<void> {
    if (session.isReopening) throw new KahaError('CONFLICT', 'A resync is under way');
    const answer = (): void => this.#sendAuthOk(session, request.id);
    await this.#deps.queues.reopen(session, userId, answer);
  }

  #sendAuthOk(session: Session, id: RequestId | undefined): void {
    const nowMs = Date.now();
    this.#deps.hub.send(session, 'auth_ok', authOkFrame(session, id, nowMs));
    tellTokenEnd(this.#deps.hub, session, nowMs);
  }
}

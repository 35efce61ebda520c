import { Gate } from '../../../shared/concurrency/gate.ts';
import type { SessionOpened } from '../../../shared/contracts/router-ops.ts';
import { CLOSE, KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Replay } from '../delivery/replay.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { RouterClient } from '../routers/router-client.ts';
import { authOkFrame, RESYNC_FRAME, type RequestId } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { UserSignals } from '../session/user-signals.ts';
import { tellTokenEnd } from '../tokens/token-end.ts';

type Deps = {
  routers: RouterClient;
  delivery: Delivery;
  signals: UserSignals;
  replay: Replay;
  hub: Hub;
  onOpened: (session: Session, userId: UserId) => void;
  metrics: EdgeMetrics;
  logger: Logger;
};

type Opened = Extract<SessionOpened, { epoch: number }>;
export type OpenRequest = { id?: RequestId | undefined; resync?: boolean | undefined };

const CONCURRENCY_MAX = 256;
const WAITING_MAX = 8_192;
const MS_PER_S = 1_000;

/**
 * Makes the device's queue ready, and then its session open:
 *
 *     SUB user → router: session.open (releases an older session, makes the queue) → auth_ok
 *       → SUB device, deliver → tell others `replaced` → replay, if the queue is new
 *
 * The router's answer proves that the server has the first SUB: no signal after `auth_ok` is lost.
 * For a queue that was there no store is asked. Any failure closes the socket: a session either
 * has its queue or does not exist.
 */
export class SessionOpening {
  readonly #deps: Deps;
  readonly #gate = new Gate({ concurrencyMax: CONCURRENCY_MAX, waitingMax: WAITING_MAX });

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#gate.waiting;
  }

  /** Whether one more would have to be refused. */
  get isFull(): boolean {
    return this.#gate.isFull;
  }

  /** For a session whose user is known. */
  async open(session: Session, userId: UserId, request: OpenRequest): Promise<void> {
    const startedAt = Date.now();
    session.state = 'opening';
    session.sessionId = newId();
    this.#deps.signals.join(session, userId);
    const opened = await this.#ask(session, userId, request.resync === true);
    if (opened === undefined) return;
    session.state = 'open';
    this.#take(session, opened);
    this.#sendAuthOk(session, request.id);
    this.#attach(session, userId);
    this.#deps.onOpened(session, userId);
    this.#deps.metrics.openSeconds.observe((Date.now() - startedAt) / MS_PER_S);
    await this.#catchUp(session, userId, opened);
  }

  /** The router found the queue void: the client is told, and gets a new one. */
  async replaceVoidQueue(session: Session, userId: UserId): Promise<void> {
    if (session.state !== 'open' || session.isReopening) {
      session.isVoidTold = true;
      return;
    }
    this.#deps.hub.send(session, 'resync', RESYNC_FRAME);
    await this.#reopen(session, userId, undefined);
  }

  /** The client asks for a new queue on its live socket. */
  async resync(session: Session, userId: UserId, request: OpenRequest): Promise<void> {
    if (session.isReopening) throw new KahaError('CONFLICT', 'A resync is under way');
    await this.#reopen(session, userId, request);
  }

  /** `request`: of the client, which awaits an answer. */
  async #reopen(session: Session, userId: UserId, request: OpenRequest | undefined): Promise<void> {
    session.isReopening = true;
    this.#deps.delivery.abandon(session);
    const opened = await this.#ask(session, userId, request !== undefined);
    session.isReopening = false;
    if (opened === undefined) return;
    this.#take(session, { ...opened, resumed: false });
    if (request !== undefined) this.#sendAuthOk(session, request.id);
    this.#attach(session, userId);
    await this.#catchUp(session, userId, opened);
  }

  /** A queue that was made for this session is none of those it was told of before. */
  async #catchUp(session: Session, userId: UserId, opened: Opened): Promise<void> {
    if (opened.resumed && session.isVoidTold) await this.replaceVoidQueue(session, userId);
    else if (!session.resumed) await this.#deps.replay.run(session, userId);
  }

  /** Undefined: the socket has been closed, by us or by the client. */
  async #ask(session: Session, userId: UserId, resync: boolean): Promise<Opened | undefined> {
    const { routers, hub, logger } = this.#deps;
    session.isVoidTold = false;
    const request = { user_id: userId, device_id: session.deviceId };
    try {
      const opened = await this.#gate.run(() =>
        routers.ask('session.open', resync ? { ...request, resync } : request, { key: userId }),
      );
      if (opened.too_many_devices) hub.close(session, CLOSE.TOO_MANY_DEVICES);
      else if (session.state !== 'closed') return opened;
    } catch (error) {
      // What is typed is an outage, thousands at a time: the close codes count it.
      const level = KahaError.from(error).code === 'INTERNAL' ? 'error' : 'debug';
      logger[level]({ err: error }, 'session not opened');
      hub.close(session, CLOSE.SERVER_ERROR);
    }
    return undefined;
  }

  #take(session: Session, opened: Opened): void {
    session.epoch = opened.epoch;
    session.resumed = opened.resumed;
  }

  #sendAuthOk(session: Session, id: RequestId | undefined): void {
    const nowMs = Date.now();
    this.#deps.hub.send(session, 'auth_ok', authOkFrame(session, id, nowMs));
    tellTokenEnd(this.#deps.hub, session, nowMs);
  }

  #attach(session: Session, userId: UserId): void {
    if (session.state !== 'open') return;
    this.#deps.delivery.start(session, userId);
    this.#deps.signals.publishReplaced(session, userId);
  }
}

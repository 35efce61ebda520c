import { Gate } from '../../../shared/concurrency/gate.ts';
import type { SessionOpen, SessionOpened } from '../../../shared/contracts/router-ops.ts';
import { CLOSE, KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { Epochs } from '../../../shared/process/epochs.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { DeviceStream } from '../delivery/device-stream.ts';
import type { Replay } from '../delivery/replay.ts';
import type { Resync } from '../delivery/resync.ts';
import type { RouterClient } from '../routers/router-client.ts';
import { RESYNC_FRAME } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import { publishReplaced } from '../session/replaced-signal.ts';
import type { Session } from '../session/session.ts';

type Deps = {
  bus: Bus;
  routers: RouterClient;
  delivery: Delivery;
  replay: Replay;
  hub: Hub;
  epochs: Epochs;
  logger: Logger;
};

/** The router has given the device to the session, and made its queue where there was none. */
type OpenedQueue = Extract<SessionOpened, { epoch: number }>;

/** The edge asks for a new queue because the client wants one, or because the queue is void. */
type Why = Pick<SessionOpen, 'resync' | 'is_void'>;

const CONCURRENCY_MAX = 256;
const WAITING_MAX = 8_192;

/**
 * Opens the device's queue for a session, at first and anew:
 *
 *     router: session.open (releases an older session, makes the queue)
 *       → SUB device and deliver subjects → tell others `replaced` → replay, if the queue is new
 *
 * Where the device had a queue, nobody asks store. Any failure closes the socket, because a session
 * either has its queue or does not exist. A device that was signed out gets no queue for a token
 * from before: such a token is bad at first, and on a live socket it shows that the edge has not
 * heard of the sign-out.
 */
export class QueueOpening {
  readonly #deps: Deps;
  readonly #gate = new Gate({ concurrencyMax: CONCURRENCY_MAX, waitingMax: WAITING_MAX });

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#gate.waiting;
  }

  /** Tells whether the edge would have to refuse one more session. */
  get isFull(): boolean {
    return this.#gate.isFull;
  }

  /**
   * Asks a router for the queue. Returns undefined where the edge or the client has closed the
   * socket.
   */
  async ask(session: Session, userId: UserId, why: Why = {}): Promise<OpenedQueue | undefined> {
    const { routers, hub, epochs, logger } = this.#deps;
    session.isVoidTold = false;
    // Nobody opens a session whose queue is void. It takes the device from no session since its own
    // opening, because its client may be connected elsewhere by now.
    const epoch = why.is_void ? session.epoch + 1 : epochs.next();
    const { deviceId, tokenIssuedAt } = session;
    const device = { user_id: userId, device_id: deviceId, issued_at: tokenIssuedAt };
    const request = { ...device, epoch, ...why };
    try {
      const opened = await this.#gate.run(
        () => routers.ask('session.open', request, { key: userId }),
        session,
      );
      if (opened.too_many_devices) hub.close(session, CLOSE.TOO_MANY_DEVICES);
      else if (opened.is_older) hub.close(session, CLOSE.REPLACED);
      else if (opened.is_erased) hub.close(session, CLOSE.KICKED);
      else if (opened.epoch < session.signedOutEpoch) hub.close(session, CLOSE.KICKED);
      else if (session.state !== 'closed') return opened;
    } catch (error) {
      if (KahaError.from(error).code === 'UNAUTHENTICATED') {
        hub.close(session, session.state === 'open' ? CLOSE.KICKED : CLOSE.BAD_TOKEN);
        return undefined;
      }
      // A typed error is an outage that thousands of sessions meet, and the close codes count it.
      const level = KahaError.from(error).code === 'INTERNAL' ? 'error' : 'debug';
      logger[level]({ err: error }, 'session not opened');
      hub.close(session, CLOSE.SERVER_ERROR);
    }
    return undefined;
  }

  /**
   * The socket is gone. A session that waits to be opened does not ask a router any more, because
   * that would take the device from a newer session.
   */
  leave(session: Session): void {
    this.#gate.leave(session);
  }

  /** Lets the session take events; `auth_ok` must have been sent. */
  attach(session: Session, userId: UserId, opened: OpenedQueue): void {
    if (session.state !== 'open') return;
    this.#deps.delivery.start(session, userId, !opened.resumed);
    publishReplaced(this.#deps.bus, session, userId);
  }

  /**
   * Replays the events that a new queue does not hold. If a router made the queue for this session,
   * an earlier signal that the queue is void was about an older queue.
   */
  async catchUp(session: Session, userId: UserId, opened: OpenedQueue): Promise<void> {
    if (opened.resumed && session.isVoidTold) await this.replaceVoid(session, userId);
    else if (!session.resumed && session.stream) {
      const { stream } = session;
      await this.#deps.replay.run(stream, stream.beginResync({ expectsMarker: !opened.resumed }));
    }
  }

  /** The queue is new, and the client was told that its session was resumed. */
  async tellOfNew(stream: DeviceStream<Session>, resync: Resync): Promise<void> {
    this.#deps.hub.send(stream.owner, 'resync', RESYNC_FRAME);
    await this.#deps.replay.run(stream, resync);
  }

  /** The router found the queue void: the client is told, and gets a new queue. */
  async replaceVoid(session: Session, userId: UserId): Promise<void> {
    if (session.state !== 'open' || session.isReopening) {
      session.isVoidTold = true;
      return;
    }
    this.#deps.hub.send(session, 'resync', RESYNC_FRAME);
    await this.reopen(session, userId);
  }

  /**
   * Opens the queue anew. `answer` is given where the client asked for a new queue and awaits the
   * answer.
   */
  async reopen(session: Session, userId: UserId, answer?: () => void): Promise<void> {
    const why: Why = answer === undefined ? { is_void: true } : { resync: true };
    let opened: OpenedQueue | undefined;
    session.isReopening = true;
    try {
      session.stream?.abandon();
      opened = await this.ask(session, userId, why);
    } finally {
      session.isReopening = false;
    }
    if (opened === undefined) return;
    session.epoch = opened.epoch;
    session.resumed = false;
    answer?.();
    this.attach(session, userId, opened);
    await this.catchUp(session, userId, opened);
  }
}

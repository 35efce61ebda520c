import { CLOSE, KahaError } from '../../../shared/errors.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { FrameDoor } from '../api/doors.ts';
import { type HandlerParts, malformed, type Operation, requestProblems } from '../api/operation.ts';
import { OPERATIONS } from '../api/operations.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { Cost, UserLimits } from '../limits/user-limits.ts';
import { REQUEST_TIMEOUT_MS } from '../routers/router-client.ts';
import { type Asked, errorFrame, replyFrame } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import { isOneTooMany } from './bad-frames.ts';
import { type ClientFrame, readFrame } from './frame-reader.ts';

type Deps = {
  hub: Hub;
  parts: HandlerParts;
  limits: UserLimits;
  metrics: EdgeMetrics;
  logger: Logger;
};

/** A frame can ask for an operation that has a frame door. */
type Served = { operation: Operation; door: FrameDoor };
type Call = Served & { session: Session; asked: Asked };

/**
 * The dispatcher is the door for frames. It reads a frame, and checks in this order that the
 * session is authenticated, that it knows the frame's type, that the request is well-formed, and
 * that the user is within the rate. Then it calls the operation's handler. A frame that fails a
 * check gets an error and goes no further. Beyond the rate, a door may instead answer as if the
 * frame had been carried out (`isDroppable`), or stay silent (`never`). At the eleventh bad frame
 * within a minute the dispatcher closes the session with 4501.
 *
 * A well-formed frame that is not routine shows that the client is in use, even beyond the rate:
 * somebody wanted it. A malformed frame shows only that the client is broken.
 */
export class FrameDispatcher {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  receive(session: Session, bytes: ArrayBuffer, isBinary: boolean): void {
    if (session.state === 'closed') return;
    const nowMs = steadyMs();
    session.lastFrameAt = nowMs;
    const reading = readFrame(bytes, isBinary);
    const { asked } = reading;
    if (!reading.isGood) {
      this.#refuseUnread(session, asked, reading.error);
      return;
    }
    const served = SERVED.get(reading.frame.type);
    if (!session.isAuthenticated && served?.operation.by !== 'socket') {
      this.#sendError(session, asked, UNAUTHENTICATED);
    } else if (served === undefined) {
      this.#refuseBad(session, asked, UNKNOWN_TYPE);
    } else {
      const { operation, door } = served;
      this.#check({ operation, door, session, asked }, reading.frame, nowMs);
    }
  }

  #check(call: Call, frame: ClientFrame, nowMs: number): void {
    const { operation, door, session, asked } = call;
    const { type: _type, id, ...request } = frame;
    const problems = requestProblems(operation, request) ?? idProblems(id, asked);
    if (problems !== undefined) {
      this.#refuseBad(session, asked, malformed(problems));
      return;
    }
    this.#deps.metrics.framesIn.add(door.type);
    if (!door.isRoutine) session.lastUseAt = nowMs;
    const limited = this.#limit(session, operation.cost, nowMs);
    const deadlineAt = nowMs + REQUEST_TIMEOUT_MS;
    if (limited === undefined) this.#carryOut(call, request, deadlineAt);
    else if (door.isDroppable) this.#answer(call, {});
    else if (door.answered !== 'never') this.#sendError(session, asked, limited);
  }

  #carryOut(call: Call, request: object, deadlineAt: number): void {
    const { operation, session, asked } = call;
    const { userId, tokenIssuedAt: issuedAt } = session;
    const who = { userId, isService: false, service: undefined, session, issuedAt, id: asked.id };
    const caller = { ...who, trace: undefined, deadlineAt };
    try {
      const result = operation.handle(request, caller, this.#deps.parts);
      if (result instanceof Promise) {
        result.then(
          (later) => this.#answer(call, later),
          (error) => this.#fail(session, asked, error),
        );
      } else {
        this.#answer(call, result);
      }
    } catch (error) {
      this.#fail(session, asked, error);
    }
  }

  #answer({ operation, door, session, asked }: Call, result: unknown): void {
    if (operation.answer === null) return;
    if (asked.id === undefined && door.answered !== 'always') return;
    this.#deps.hub.sendSoon(session, 'reply', replyFrame(asked.id, operation.show(result)));
  }

  #refuseUnread(session: Session, asked: Asked, error: KahaError): void {
    this.#deps.metrics.framesIn.add('unread');
    if (!session.isAuthenticated && error.code === 'PAYLOAD_TOO_LARGE') {
      // Only a token that is too long makes an `auth` so large.
      this.#deps.hub.close(session, CLOSE.BAD_TOKEN);
      return;
    }
    if (error.code === 'INVALID_REQUEST') this.#refuseBad(session, asked, error);
    else this.#sendError(session, asked, this.#limit(session, 'other', steadyMs()) ?? error);
  }

  /**
   * Returns the error for a user who is beyond the rate. A session that is not authenticated yet
   * has no limit.
   */
  #limit({ userId }: Session, cost: Cost, nowMs: number): KahaError | undefined {
    if (userId === undefined) return undefined;
    return this.#deps.limits.refuse(userId, cost === 'read' ? 'other' : cost, nowMs);
  }

  #refuseBad(session: Session, asked: Asked, error: KahaError): void {
    this.#sendError(session, asked, error);
    session.badFrames ??= [];
    if (isOneTooMany(session.badFrames, steadyMs())) {
      this.#deps.hub.close(session, CLOSE.TOO_MANY_BAD_FRAMES);
    }
  }

  #fail(session: Session, asked: Asked, thrown: unknown): void {
    const error = KahaError.from(thrown);
    if (error.code === 'INTERNAL') this.#deps.logger.error({ err: thrown }, 'frame failed');
    this.#sendError(session, asked, error);
  }

  #sendError(session: Session, asked: Asked, error: KahaError): void {
    this.#deps.metrics.errors.add(error.code);
    this.#deps.hub.send(session, 'error', errorFrame(asked, error.toWire()));
  }
}

const SERVED: ReadonlyMap<string, Served> = new Map(
  OPERATIONS.flatMap((operation): [string, Served][] => {
    const { frame: door } = operation;
    return door === undefined ? [] : [[door.type, { operation, door }]];
  }),
);

const UNKNOWN_TYPE = new KahaError('INVALID_REQUEST', 'unknown type');
const UNAUTHENTICATED = new KahaError('UNAUTHENTICATED', 'The first frame must be auth');
const BAD_ID = ['id: must be a string of at most 64 characters, or an integer'];

/**
 * The frame's reader sets `asked.id` only if the `id` is valid, so a frame with an `id` but without
 * `asked.id` has an invalid one.
 */
function idProblems(id: unknown, asked: Asked): string[] | undefined {
  return id !== undefined && asked.id === undefined ? BAD_ID : undefined;
}

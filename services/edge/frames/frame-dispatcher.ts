import { CLOSE, KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { AuthFrame } from '../../../shared/protocol/client-frames.ts';
import { compileValidator } from '../../../shared/protocol/validator.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { Authentication } from '../lifecycle/authentication.ts';
import type { UserLimits } from '../limits/user-limits.ts';
import type { Operation } from '../operations/operation.ts';
import { type Asked, errorFrame, replyFrame } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import { isOneTooMany } from './bad-frames.ts';
import { type ClientFrame, readFrame } from './frame-reader.ts';

type Deps = {
  hub: Hub;
  authentication: Authentication;
  operations: ReadonlyMap<string, Operation>;
  limits: UserLimits;
  metrics: EdgeMetrics;
  logger: Logger;
};

type Request = { session: Session; userId: UserId; frame: ClientFrame; asked: Asked };

/**
 * From a frame's bytes to its answer: read, authenticated, known, well-formed, within the rate,
 * carried out. What fails one step is answered there; bad frames are counted (4501).
 */
export class FrameDispatcher {
  readonly #deps: Deps;
  readonly #auth = compileValidator(AuthFrame);

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  receive(session: Session, bytes: ArrayBuffer, isBinary: boolean): void {
    if (session.state === 'closed') return;
    const nowMs = Date.now();
    session.lastFrameAt = nowMs;
    const reading = readFrame(bytes, isBinary);
    const { asked } = reading;
    if (!reading.isGood) {
      this.#refuseUnread(session, asked, reading.error);
    } else if (reading.frame.type === 'auth') {
      this.#authenticate(session, reading.frame, asked);
    } else if (session.userId === undefined || !session.isAuthenticated) {
      this.#sendError(session, asked, UNAUTHENTICATED);
    } else {
      this.#look({ session, userId: session.userId, frame: reading.frame, asked }, nowMs);
    }
  }

  #look(request: Request, nowMs: number): void {
    const { session, userId, frame, asked } = request;
    const operation = this.#deps.operations.get(frame.type);
    const bad = operation === undefined ? UNKNOWN_TYPE : malformed(operation, frame);
    if (operation === undefined || bad !== undefined) {
      this.#refuseBad(session, asked, bad ?? UNKNOWN_TYPE);
      return;
    }
    this.#deps.metrics.framesIn.add(operation.type);
    const limited = this.#deps.limits.refuse(userId, operation.cost, nowMs);
    if (limited === undefined) this.#carryOut(operation, request);
    else if (operation.isDroppable) this.#answer(operation, request, {});
    else if (operation.type !== 'ack') this.#sendError(session, asked, limited);
  }

  #carryOut(operation: Operation, request: Request): void {
    const { session, frame, asked, userId } = request;
    try {
      const result = operation.handle(frame, { session, userId });
      if (result instanceof Promise) {
        result.then(
          (data) => this.#answer(operation, request, data),
          (error) => this.#fail(session, asked, error),
        );
      } else {
        this.#answer(operation, request, result);
      }
    } catch (error) {
      this.#fail(session, asked, error);
    }
  }

  #answer(operation: Operation, { session, asked }: Request, data: unknown): void {
    if (data === undefined || (asked.id === undefined && !operation.isAlwaysAnswered)) return;
    this.#deps.hub.sendSoon(session, 'reply', replyFrame(asked.id, data));
  }

  #authenticate(session: Session, frame: ClientFrame, asked: Asked): void {
    this.#deps.metrics.framesIn.add('auth');
    if (!this.#auth.check(frame)) {
      this.#refuseBad(session, asked, schemaError(this.#auth.problems(frame)));
      return;
    }
    const limited = this.#limitOf(session);
    if (limited !== undefined) {
      this.#sendError(session, asked, limited);
      return;
    }
    this.#deps.authentication
      .receive(session, frame)
      .catch((error) => this.#fail(session, asked, error));
  }

  #refuseUnread(session: Session, asked: Asked, error: KahaError): void {
    this.#deps.metrics.framesIn.add('unread');
    if (error.code === 'INVALID_REQUEST') this.#refuseBad(session, asked, error);
    else this.#sendError(session, asked, this.#limitOf(session) ?? error);
  }

  /** For what is no operation and yet costs something. */
  #limitOf({ userId }: Session): KahaError | undefined {
    if (userId === undefined) return undefined;
    return this.#deps.limits.refuse(userId, 'other', Date.now());
  }

  #refuseBad(session: Session, asked: Asked, error: KahaError): void {
    this.#sendError(session, asked, error);
    session.badFrames ??= [];
    if (isOneTooMany(session.badFrames, Date.now())) {
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

function malformed(operation: Operation, frame: ClientFrame): KahaError | undefined {
  if (!operation.validator.check(frame)) return schemaError(operation.validator.problems(frame));
  const problem = operation.problem(frame);
  return problem === undefined ? undefined : schemaError([problem]);
}

function schemaError(problems: string[]): KahaError {
  return new KahaError('INVALID_REQUEST', problems.join('; '), { details: { problems } });
}

const UNKNOWN_TYPE = new KahaError('INVALID_REQUEST', 'unknown type');
const UNAUTHENTICATED = new KahaError('UNAUTHENTICATED', 'The first frame must be auth');

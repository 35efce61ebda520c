import { CLOSE, KahaError } from '../../../shared/errors.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { FrameDoor } from '../api/doors.ts';
import type { HandlerParts, Operation } from '../api/operation.ts';
import { OPERATIONS } from '../api/operations.ts';
import { malformed, requestProblems } from '../api/request-problems.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { Cost, UserLimits } from '../limits/user-limits.ts';
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

/** An operation that a frame can ask for. */
type Served = { operation: Operation; door: FrameDoor };
type Call = Served & { session: Session; asked: Asked };

/**
 * The door for frames. From a frame's bytes to its answer: read, authenticated, known, well-formed,
 * within the rate, carried out. A frame that fails one step is answered there; the dispatcher
 * counts bad frames and closes the session at one too many (4501).
 */
export class FrameDispatcher {
  readonly #deps: Deps;

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
      return;
    }
    const served = SERVED.get(reading.frame.type);
    if (!session.isAuthenticated && served?.operation.by !== 'socket') {
      this.#sendError(session, asked, UNAUTHENTICATED);
    } else if (served === undefined) {
      this.#refuseBad(session, asked, UNKNOWN_TYPE);
    } else {
      const { operation, door } = served;
      this.#look({ operation, door, session, asked }, reading.frame, nowMs);
    }
  }

  #look(call: Call, frame: ClientFrame, nowMs: number): void {
    const { operation, door, session, asked } = call;
    const { type: _type, id, ...request } = frame;
    const problems = requestProblems(operation, request) ?? idProblems(id, asked);
    if (problems !== undefined) {
      this.#refuseBad(session, asked, malformed(problems));
      return;
    }
    this.#deps.metrics.framesIn.add(door.type);
    const limited = this.#limit(session, operation.cost, nowMs);
    if (limited === undefined) this.#carryOut(call, request);
    else if (door.isDroppable) this.#answer(call, {});
    else if (door.answered !== 'never') this.#sendError(session, asked, limited);
  }

  #carryOut(call: Call, request: object): void {
    const { operation, session, asked } = call;
    const caller = { userId: session.userId, session, id: asked.id, trace: undefined };
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
    if (error.code === 'INVALID_REQUEST') this.#refuseBad(session, asked, error);
    else this.#sendError(session, asked, this.#limit(session, 'other', Date.now()) ?? error);
  }

  /** Undefined: within the rate. A socket whose user is not known yet has none. */
  #limit({ userId }: Session, cost: Cost, nowMs: number): KahaError | undefined {
    if (userId === undefined) return undefined;
    return this.#deps.limits.refuse(userId, cost === 'read' ? 'other' : cost, nowMs);
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

const SERVED: ReadonlyMap<string, Served> = new Map(
  OPERATIONS.flatMap((operation): [string, Served][] => {
    const { frame: door } = operation;
    return door === undefined ? [] : [[door.type, { operation, door }]];
  }),
);

const UNKNOWN_TYPE = new KahaError('INVALID_REQUEST', 'unknown type');
const UNAUTHENTICATED = new KahaError('UNAUTHENTICATED', 'The first frame must be auth');
const BAD_ID = ['id: must be a string of at most 64 characters, or an integer'];

/** The reader takes over as `asked.id` only what an `id` may be. */
function idProblems(id: unknown, asked: Asked): string[] | undefined {
  return id !== undefined && asked.id === undefined ? BAD_ID : undefined;
}

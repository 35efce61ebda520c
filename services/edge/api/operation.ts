import type { Static, TObject, TSchema } from 'typebox';
import type { UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { compileValidator, type Validator } from '../../../shared/protocol/validator.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Authentication } from '../lifecycle/authentication.ts';
import type { Cost } from '../limits/user-limits.ts';
import type { LookUpNames } from '../names/record-names.ts';
import type { NameSystem } from '../names/system-naming.ts';
import type { Presence } from '../presence/presence.ts';
import type { Typing } from '../presence/typing.ts';
import type { RouterClient } from '../routers/router-client.ts';
import type { RequestId } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { FrameDoor, RestDoor } from './doors.ts';

/** The parts of an edge that handlers use. */
export type HandlerParts = {
  store: AskStore;
  routers: RouterClient;
  nameSystem: NameSystem;
  lookUpNames: LookUpNames;
  typing: Typing;
  presence: Presence;
  delivery: Delivery;
  hub: Hub;
  authentication: Authentication;
};

/** The user who asks, and the door through which the request came. */
export type Caller = {
  userId: UserId | undefined;
  /** Undefined: the request came over REST. */
  session: Session | undefined;
  /** The frame's `id`. */
  id: RequestId | undefined;
  /** The REST request's `traceparent`. */
  trace: string | undefined;
};

/** What a handler knows of its caller, for each kind of caller that an operation may allow. */
type Callers = {
  /** A user, over the socket or over REST. */
  user: Caller & { userId: UserId };
  /** A user, over the socket. */
  session: Caller & { userId: UserId; session: Session };
  /** Anybody with a socket, authenticated or not. */
  socket: Caller & { session: Session };
};

type Answer = TSchema | null;
/** What the handler of an operation with this answer returns, if `show` has nothing to do. */
type Shown<Some extends Answer> = Some extends TSchema ? Static<Some> : unknown;

/**
 * One thing that a client can ask for. Both doors make the same request of what came in, check it
 * against the same schema, and call the same handler. A KahaError that the handler throws is the
 * answer.
 */
export type Operation = {
  /** What the operation does, in one line for the documents. */
  summary: string;
  /** A request `read` counts as `other` when it comes as a frame. */
  cost: Cost;
  by: keyof Callers;
  request: TObject;
  validator: Validator<TSchema>;
  /** Null: the answer holds no data. */
  answer: Answer;
  problem(request: unknown): string | undefined;
  handle(request: unknown, caller: Caller, parts: HandlerParts): unknown;
  show(result: unknown): unknown;
  frame: FrameDoor | undefined;
  rest: readonly RestDoor[];
};

type Definition<
  Request extends TObject,
  Some extends Answer,
  Result,
  By extends keyof Callers = 'user',
> = {
  summary: string;
  cost: Cost;
  /** Default: `user`. */
  by?: By;
  request: Request;
  answer: Some;
  /** The function says what the schema cannot: what is wrong with a request, in words. */
  problem?(request: Static<Request>): string | undefined;
  /** The handler returns its result at once or later. */
  handle(
    request: Static<Request>,
    caller: Callers[By],
    parts: HandlerParts,
  ): Result | Promise<Result>;
  frame?: FrameDoor;
  rest?: readonly RestDoor<Static<Request>, Result>[];
};

/** What of the result the caller sees, where that is not all. */
type Show<Some extends Answer, Result> = { show(result: Result): Shown<Some> };

/**
 * Defines an operation. This is the one place where a request gets its type: a door gives `handle`
 * only what `validator` has passed, and only a caller that `by` allows.
 */
export function defineOperation<Request extends TObject, Some extends Answer, Result>(
  definition: Definition<Request, Some, Result> & Show<Some, Result>,
): Operation;
export function defineOperation<
  Request extends TObject,
  Some extends Answer,
  By extends keyof Callers = 'user',
>(definition: Definition<Request, Some, Shown<Some>, By>): Operation;
export function defineOperation(
  definition: Definition<TObject, Answer, unknown, keyof Callers> & Partial<Show<Answer, unknown>>,
): Operation {
  const { by = 'user', problem = () => undefined, show = (result) => result } = definition;
  const { request, frame, rest = [] } = definition;
  const validator = compileValidator<TSchema>(request);
  return { ...definition, by, problem, show, frame, rest, validator };
}

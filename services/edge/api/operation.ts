import type { Static, TObject, TSchema } from 'typebox';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { compileValidator, type Validator } from '../../../shared/protocol/validator.ts';
import type { PushConfig } from '../config.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import type { Authentication } from '../lifecycle/authentication.ts';
import type { Cost } from '../limits/user-limits.ts';
import type { LookUpNames } from '../names/conversation-view.ts';
import type { NameSystemMessages } from '../names/system-names.ts';
import type { Presence } from '../presence/presence.ts';
import type { Typing } from '../presence/typing.ts';
import type { RouterClient } from '../routers/router-client.ts';
import type { RequestId } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { FrameDoor, RestDoor } from './doors.ts';

/** Handlers get these parts of the edge. */
export type HandlerParts = {
  store: AskStore;
  routers: RouterClient;
  nameSystemMessages: NameSystemMessages;
  lookUpNames: LookUpNames;
  typing: Typing;
  presence: Presence;
  inboxes: Inboxes;
  delivery: Delivery;
  hub: Hub;
  authentication: Authentication;
  push: PushConfig;
};

/** A caller is the user or service that asks, and the door through which the request came. */
type Caller = {
  userId: UserId | undefined;
  /** A service has a token of its own, and is no user. */
  isService: boolean;
  /** Records name a service by this name of its token. A user has none. */
  service: string | undefined;
  /** A request that came over REST has no session. */
  session: Session | undefined;
  /** The user's token was issued at this time, in epoch ms; 0 where it does not say so. */
  issuedAt: number;
  /** A request that came as a frame may have the frame's `id`. */
  id: RequestId | undefined;
  /** A request that came over REST may have a `traceparent`. */
  trace: string | undefined;
  /**
   * The request must be answered by this time by `steadyMs`, 4 s after it arrived, whatever its
   * handler asks for.
   */
  deadlineAt: number;
};

/** These are the kinds of callers that an operation may allow, and what is known of each. */
type Callers = {
  /** A `user` is an authenticated user, over the socket or over REST. */
  user: Caller & { userId: UserId };
  /** A service asks over REST alone. */
  'user or service': ServiceOrUser;
  /** A `service` is no user, and asks for what concerns any user. */
  service: Caller & ServiceCaller;
  /** A `session` is an authenticated user, over the socket. */
  session: Caller & { userId: UserId; session: Session };
  /** A `socket` is anybody with a socket, authenticated or not. */
  socket: Caller & { session: Session };
};

type ServiceCaller = { isService: true; userId: undefined; service: string };
export type ServiceOrUser = Caller & ({ isService: false; userId: UserId } | ServiceCaller);

type Answer = TSchema | null;
/** The documents show a request and its answer, and tests check both by their schemas. */
type Example<Request = unknown, Shown = unknown> = { request: Request; answer: Shown };
/** Without a `show`, a handler returns a value of this type: the answer that clients see. */
type Shown<Some extends Answer> = Some extends TSchema ? Static<Some> : unknown;

/**
 * An operation is one thing that a client can ask for. Both doors make the same request of what
 * came in, check it against the same schema, and call the same handler. A KahaError that the
 * handler throws becomes the answer.
 */
export type Operation = {
  /** One line says what the operation does, for the documents. */
  summary: string;
  example: Example;
  /** The request counts against this limit. A `read` that comes as a frame counts as `other`. */
  cost: Cost;
  by: keyof Callers;
  request: TObject;
  validator: Validator<TSchema>;
  /** An operation with `null` answers without data. */
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
  /** The default is `user`. */
  by?: By;
  request: Request;
  answer: Some;
  example: Example<Static<Request>, Shown<Some>>;
  /** Returns, in words, a problem of the request that the schema cannot find. */
  problem?(request: Static<Request>): string | undefined;
  handle(
    request: Static<Request>,
    caller: Callers[By],
    parts: HandlerParts,
  ): Result | Promise<Result>;
  frame?: FrameDoor;
  rest?: readonly RestDoor<Static<Request>, Result>[];
};

/** `show` picks the part of the result that clients see. Without it they see the whole result. */
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
  definition: Omit<Definition<TObject, Answer, unknown, keyof Callers>, 'example'> &
    Partial<Show<Answer, unknown>> & { example: Example },
): Operation {
  const { by = 'user', problem = () => undefined, show = (result) => result } = definition;
  const { request, frame, rest = [] } = definition;
  const validator = compileValidator<TSchema>(request);
  return { ...definition, by, problem, show, frame, rest, validator };
}

/**
 * Returns, in words, what is wrong with a request. The result is undefined if the handler may have
 * the request.
 */
export function requestProblems(operation: Operation, request: unknown): string[] | undefined {
  if (!operation.validator.check(request)) return operation.validator.problems(request);
  const problem = operation.problem(request);
  return problem === undefined ? undefined : [problem];
}

export function malformed(problems: readonly string[]): KahaError {
  return new KahaError('INVALID_REQUEST', problems.join('; '), { details: { problems } });
}

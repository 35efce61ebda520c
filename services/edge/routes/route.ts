import type { Static, TObject, TSchema } from 'typebox';
import type { UserId } from '../../../shared/ids.ts';
import { compileValidator, type Validator } from '../../../shared/protocol/validator.ts';
import type { Cost } from '../limits/user-limits.ts';

type Status = 200 | 201 | 204;
export type Result = { status: Status; body?: unknown };
/** Null: nothing is said. */
type Response = TSchema | null;
type Answer<Some extends Response> = { status: Status } & (Some extends TSchema
  ? { body: Static<Some> }
  : { body?: undefined });
/** What each status means, where there is more than one. */
type Statuses = Readonly<Partial<Record<Status, string>>>;

/** The schemas and words of a route, for its document. */
export type RouteDocument = {
  path: string;
  summary: string;
  params: TObject;
  query: TObject;
  body: TSchema | undefined;
  response: Response;
  statuses: Statuses;
  hasIdempotencyKey: boolean;
};

type Request<Params, Query, Body> = {
  userId: UserId;
  params: Params;
  query: Query;
  body: Body;
  /** The header, empty where it is not there. */
  idempotencyKey: string;
  trace: string | undefined;
};

/** One method of one path below `/api/v1`; `:name` is a parameter. */
export type Route = {
  method: string;
  segments: readonly string[];
  cost: Cost;
  params: Validator<TSchema>;
  query: { schema: TObject; validator: Validator<TSchema> };
  /** Undefined: a body is not looked at. */
  body: Validator<TSchema> | undefined;
  /** None is taken for an empty object. */
  isBodyOptional: boolean;
  document: RouteDocument;
  handle(request: Request<unknown, unknown, unknown>): Promise<Result>;
};

type Definition<
  Params extends TObject,
  Query extends TObject,
  Body extends TSchema,
  Shown extends Response,
> = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** What it does, in one line for `/openapi.json`. */
  summary: string;
  cost: Cost;
  params: Params;
  query: Query;
  body?: Body;
  isBodyOptional?: boolean;
  /** The header means something to it. */
  hasIdempotencyKey?: boolean;
  response: Shown;
  statuses?: Statuses;
  handle: (request: Request<Static<Params>, Static<Query>, Static<Body>>) => Promise<Answer<Shown>>;
};

const OK: Statuses = { 200: 'Done' };
const NO_CONTENT: Statuses = { 204: 'Done; nothing is said' };

/** The one place where a call that passed its schemas becomes typed. */
export function defineRoute<
  Params extends TObject,
  Query extends TObject,
  Body extends TSchema,
  Shown extends Response,
>(definition: Definition<Params, Query, Body, Shown>): Route {
  const { method, path, cost, params, query, body, isBodyOptional = false } = definition;
  const { hasIdempotencyKey = false } = definition;
  const { summary, response, statuses = response === null ? NO_CONTENT : OK } = definition;
  return {
    method,
    segments: path.split('/').slice(1),
    cost,
    params: compileValidator(params),
    query: { schema: query, validator: compileValidator(query) },
    body: body === undefined ? undefined : compileValidator(body),
    isBodyOptional,
    document: { path, summary, params, query, body, response, statuses, hasIdempotencyKey },
    handle: definition.handle as Route['handle'],
  };
}

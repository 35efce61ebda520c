import type { Static, TObject, TSchema } from 'typebox';
import type { UserId } from '../../../shared/ids.ts';
import { compileValidator, type Validator } from '../../../shared/protocol/validator.ts';
import type { Cost } from '../user-limits.ts';

export type Result = { status: number; body?: unknown };

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
  handle(request: Request<unknown, unknown, unknown>): Promise<Result>;
};

type Definition<Params extends TObject, Query extends TObject, Body extends TSchema> = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  cost: Cost;
  params: Params;
  query: Query;
  body?: Body;
  isBodyOptional?: boolean;
  handle: (request: Request<Static<Params>, Static<Query>, Static<Body>>) => Promise<Result>;
};

/** The one place where a call that passed its schemas becomes typed. */
export function defineRoute<Params extends TObject, Query extends TObject, Body extends TSchema>(
  definition: Definition<Params, Query, Body>,
): Route {
  const { method, path, cost, params, query, body, isBodyOptional = false } = definition;
  return {
    method,
    segments: path.split('/').slice(1),
    cost,
    params: compileValidator(params),
    query: { schema: query, validator: compileValidator(query) },
    body: body === undefined ? undefined : compileValidator(body),
    isBodyOptional,
    handle: definition.handle as Route['handle'],
  };
}

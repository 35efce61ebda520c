import Type, { type TObject, type TProperties, type TSchema } from 'typebox';
import type { RestDoor } from '../api/doors.ts';
import type { Operation } from '../api/operation.ts';
import { OPERATIONS } from '../api/operations.ts';

/**
 * A route is one REST door of an operation. `params`, `query` and `body` are the parts of the
 * request's schema that come from the path, from the query and from the body.
 */
export type Route = {
  operation: Operation;
  door: RestDoor;
  segments: readonly string[];
  params: TObject;
  query: TObject;
  /** A route without this schema ignores the body of a call. */
  body: TSchema | undefined;
  /** A body that is not the value of one field as a whole has these fields. */
  bodyFields: TProperties;
  /** A call without a body counts as a call with an empty object. */
  isBodyOptional: boolean;
};

/** This table lists all routes below `/api/v1`. */
export const ROUTES: readonly Route[] = OPERATIONS.flatMap((operation) =>
  operation.rest.map((door) => routeOf(operation, door)),
);

function routeOf(operation: Operation, door: RestDoor): Route {
  const { method, path, fixed = {}, wholeBody, idempotencyKey } = door;
  const segments = path.split('/').slice(1);
  const inPath = segments.filter((part) => part.startsWith(':')).map((part) => part.slice(1));
  const { properties } = operation.request;
  const others = Object.keys(properties).filter(
    (name) => !inPath.includes(name) && !Object.hasOwn(fixed, name),
  );
  const [inQuery, inBody] = method === 'GET' ? [others, []] : [[], others];
  const fields = pick(properties, inBody);
  const key = idempotencyKey === undefined ? undefined : fields[idempotencyKey];
  if (idempotencyKey !== undefined && key !== undefined)
    fields[idempotencyKey] = Type.Optional(key);
  const flat = inBody.length === 0 ? undefined : closed(fields);
  return {
    operation,
    door,
    segments,
    params: closed(pick(properties, inPath)),
    query: closed(pick(properties, inQuery)),
    body: wholeBody === undefined ? flat : properties[wholeBody],
    bodyFields: fields,
    isBodyOptional: Object.values(fields).every((field) => Type.IsOptional(field)),
  };
}

function closed(properties: TProperties): TObject {
  return Type.Object(properties, { additionalProperties: false });
}

function pick(properties: TProperties, names: readonly string[]): TProperties {
  const entries = Object.entries(properties).filter(([name]) => names.includes(name));
  return Object.fromEntries(entries);
}

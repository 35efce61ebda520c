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

type Match =
  | { kind: 'route'; route: Route; params: Record<string, string> }
  | { kind: 'wrong method'; allowed: string[] }
  | { kind: 'unknown path' }
  | { kind: 'malformed path' };

const BASES = ['/api/v1/', '/api/chat/'];
/**
 * `/api/v1/chats` is an alias of `/api/v1/conversations`. There is no `/api/chat/chats`, because
 * `/api/chat` is an alias itself.
 */
const CHATS = /^\/api\/v1\/chats(?=\/|$)/;

/** This table lists all routes below `/api/v1`. */
export const ROUTES: readonly Route[] = OPERATIONS.flatMap((operation) =>
  operation.rest.map((door) => routeOf(operation, door)),
);

/**
 * Finds the route of a call. A call with an unknown path is an `unknown path`, whatever its method
 * is.
 */
export function matchRoute(routes: readonly Route[], method: string, path: string): Match {
  const known = withoutBase(path.replace(CHATS, '/api/v1/conversations'));
  if (known === undefined) return { kind: 'unknown path' };
  const segments = segmentsOf(known);
  if (segments === undefined) return { kind: 'malformed path' };
  const allowed: string[] = [];
  for (const route of routes) {
    const params = paramsOf(route.segments, segments);
    if (params === undefined) continue;
    if (route.door.method === method) return { kind: 'route', route, params };
    allowed.push(route.door.method);
  }
  return allowed.length === 0 ? { kind: 'unknown path' } : { kind: 'wrong method', allowed };
}

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

function withoutBase(path: string): string | undefined {
  for (const base of BASES) if (path.startsWith(base)) return path.slice(base.length);
  return undefined;
}

/** Splits and decodes a path. The result is undefined if an escape in the path is malformed. */
function segmentsOf(path: string): string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function paramsOf(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] as string;
    const isParameter = part.startsWith(':') && segment !== '';
    if (isParameter) params[part.slice(1)] = segment;
    else if (part !== segment) return undefined;
  }
  return params;
}

import { KahaError } from '../../../shared/errors.ts';
import { isUuidV4 } from '../../../shared/ids.ts';
import { jsonProblem } from '../../../shared/protocol/json-guard.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { malformed, requestProblems } from '../api/operation.ts';
import type { HttpCall } from './http-call.ts';
import { readQuery } from './query.ts';
import type { Route } from './routes.ts';

type Fields = Record<string, unknown>;

const NAME_CHARACTERS_MAX = 64;
const QUOTED = /^"([^"]*)"$/;
/** A byte order mark stays in the text, so that `JSON.parse` refuses it as it does in a frame. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Puts the request of an operation together from the path, the query, the body and the
 * `Idempotency-Key` of a REST call. Throws INVALID_REQUEST if the operation does not accept the
 * request, and PAYLOAD_TOO_LARGE if the body has more bytes than the door
 * allows.
 */
export function requestOf(route: Route, call: HttpCall, params: Readonly<Fields>): object {
  const { fixed, idempotencyKey, wholeBody } = route.door;
  const query = readQuery(call.query, route.query);
  if (typeof query === 'string') throw malformed([query]);
  refuseUnknown(query, route.query.properties);
  const request: Fields = { ...query, ...bodyFields(route, call) };
  if (idempotencyKey !== undefined && call.idempotencyKey !== '') {
    request[idempotencyKey] = keyOf(request[idempotencyKey], call.idempotencyKey);
  }
  const whole = { ...request, ...params, ...fixed };
  const problems = requestProblems(route.operation, whole);
  if (problems === undefined) return whole;
  throw malformed(wholeBody === undefined ? problems : problems.map(withoutField(wholeBody)));
}

function bodyFields(route: Route, call: HttpCall): Fields {
  const { wholeBody } = route.door;
  if (route.body === undefined) return {};
  if (route.isBodyOptional && call.body?.length === 0) return {};
  const value = jsonOf(call.body, route.door.bodyBytesMax);
  if (wholeBody !== undefined) return { [wholeBody]: value };
  if (!isObject(value)) throw malformed(['the body must be an object']);
  refuseUnknown(value, route.bodyFields);
  return value;
}

function jsonOf(body: Buffer | undefined, bytesMax: number = LIMITS.bodyBytesMax): unknown {
  if (body === undefined || body.length > bytesMax) {
    throw new KahaError('PAYLOAD_TOO_LARGE', `A body has at most ${bytesMax} bytes`);
  }
  let value: unknown;
  let text: string;
  try {
    text = strictUtf8.decode(body);
    value = JSON.parse(text);
  } catch (error) {
    throw new KahaError('INVALID_REQUEST', 'The body is not JSON', { cause: error });
  }
  const problem = jsonProblem(value, text);
  if (problem !== undefined) throw malformed([problem]);
  return value;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Refuses names that this part of the call may not give. A field that another part gives, such as
 * the path, counts as unknown too.
 */
function refuseUnknown(given: Fields, known: object): void {
  const name = Object.keys(given).find((one) => !Object.hasOwn(known, one));
  if (name !== undefined) throw malformed([`unknown field ${name.slice(0, NAME_CHARACTERS_MAX)}`]);
}

/**
 * A browser may add an `Idempotency-Key` of its own, which is no UUID. Such a header is ignored if
 * the body has a key.
 */
function keyOf(inBody: unknown, header: string): unknown {
  const key = QUOTED.exec(header)?.[1] ?? header;
  const isKey = isUuidV4(key);
  if (inBody !== undefined && !isKey) return inBody;
  if (!isKey) throw malformed(['Idempotency-Key: must be a lower-case UUID v4']);
  if (inBody === undefined || inBody === key) return key;
  throw malformed(['the body and Idempotency-Key name different keys']);
}

/**
 * Takes the field's name out of a problem. The client sent the value of the field as its whole body
 * and does not know the name.
 */
function withoutField(field: string): (problem: string) => string {
  return (problem) => {
    if (!problem.startsWith(field)) return problem;
    return problem.slice(field.length).replace(/^(?:\.|: )/, '');
  };
}

import type { TObject } from 'typebox';
import { ERRORS, type ErrorCode } from '../../../shared/errors.ts';
import { UUID_V4_PATTERN } from '../../../shared/ids.ts';
import type { Route } from '../rest/routes.ts';
import { ABOUT_REST } from './about-rest.ts';
import { CLAIMS } from './common-chapters.ts';
import { exampleError } from './error-notes.ts';
import { documentSchema, type Json, namedSchemas } from './schema-text.ts';

const JSON_TYPE = 'application/json';
/** Any call may be answered with one of these error statuses. */
const ALWAYS = [400, 401, 429, 431, 500, 503, 504];
/** `INVALID_REQUEST` has these statuses too, where they say it better. */
const BETTER: Readonly<Record<number, string>> = {
  408: 'the body did not come within some seconds',
  415: 'the body has a `Content-Encoding`',
  431: 'the token is too long',
};
const OK = { 200: 'Done' };
const NO_CONTENT = { 204: 'Done; nothing is said' };
const RETRY_STATUSES: readonly number[] = [429, 503];

/**
 * Describes the REST routes as an OpenAPI 3.1 document. The document is made from the table that
 * the edge serves.
 */
export function openApiOf(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.door.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.door.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'kaha-chat REST', version: '1', description: ABOUT_REST },
    servers: [{ url: '/api/v1' }, { url: '/api/chat', description: 'Alias' }],
    security: [{ bearer: [] }],
    tags: [
      { name: 'conversations', description: 'Also as `/chats`' },
      { name: 'messages' },
      { name: 'presence' },
      { name: 'businesses', description: 'A service asks with a token of its own' },
      { name: 'users', description: 'A service asks about a person, with a token of its own' },
      { name: 'jobs', description: 'A service asks how far long work is' },
      { name: 'documents' },
    ],
    paths: { ...paths, ...documentPaths() },
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas: namedSchemas(),
      responses: Object.fromEntries(statusesOfErrors().map((status) => errorResponse(status))),
    },
  };
}

const SECURITY_SCHEMES: Json = {
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: CLAIMS },
  service: {
    type: 'http',
    scheme: 'bearer',
    description: 'A service, such as kaha-main-v3, sends one of `SERVICE_TOKENS`. It is no user.',
  },
};

/** Any other operation is for users, as the document says of all. */
const SECURITY: Readonly<Partial<Record<Route['operation']['by'], Json>>> = {
  'user or service': { security: [{ bearer: [] }, { service: [] }] },
  service: { security: [{ service: [] }] },
};

function operationOf(route: Route): Json {
  const { operation, door, params, query, body } = route;
  const { path, summary = operation.summary } = door;
  const header = door.idempotencyKey === undefined ? [] : [IDEMPOTENCY_KEY];
  const example = operation.example.request as Json;
  const parameters = [
    ...parametersOf(params, 'path', example),
    ...parametersOf(query, 'query', example),
    ...header,
  ];
  return {
    operationId: operationIdOf(route),
    tags: [path.split('/')[1]],
    summary,
    ...SECURITY[operation.by],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: {
        required: !route.isBodyOptional,
        content: contentOf(documentSchema(body), bodyExampleOf(route)),
      },
    }),
    responses: { ...answersOf(route), ...errorsOf(route) },
  };
}

/** An operation id looks like `delete_messages_by_message_id`. */
function operationIdOf({ door, segments }: Route): string {
  const words = segments.map((segment) => segment.replace(':', 'by_'));
  return [door.method.toLowerCase(), ...words].join('_');
}

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'A body without `client_msg_id` gets this one, which may stand in double quotes. If the body ' +
    'has one, a header that is no UUID v4 is ignored, and another UUID v4 is an error.',
  schema: { type: 'string', pattern: UUID_V4_PATTERN.replace(/^\^(.*)\$$/, '^"?$1"?$') },
};

function parametersOf(schema: TObject, place: 'path' | 'query', examples: Json): Json[] {
  const { required = [], properties = {} } = documentSchema(schema) as {
    required?: string[];
    properties?: Record<string, Json>;
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    ...(rest.type === 'array' && { style: 'form', explode: false }),
    schema: rest,
    ...(examples[name] !== undefined && { example: examples[name] }),
  }));
}

function answersOf({ operation: { answer, example }, door }: Route): Json {
  const { statuses = answer === null ? NO_CONTENT : OK } = door;
  const content = answer && { content: contentOf(documentSchema(answer), example.answer) };
  const entries = Object.entries(statuses);
  return Object.fromEntries(
    entries.map(([status, description]) => [status, { description, ...content }]),
  );
}

function errorsOf({ door: { method }, params, body }: Route): Json {
  const hasParams = Object.keys(params.properties).length > 0;
  const statuses = [...ALWAYS];
  if (hasParams) statuses.push(403, 404);
  if (hasParams && method !== 'GET') statuses.push(409);
  if (body !== undefined) statuses.push(408, 413, 415);
  const sorted = statuses.sort((a, b) => a - b);
  const entries = sorted.map((status) => [status, { $ref: `#/components/responses/${status}` }]);
  return Object.fromEntries(entries);
}

/** The example's body is the whole value of one field, or the fields that a body has. */
function bodyExampleOf({ operation, door: { wholeBody }, bodyFields }: Route): unknown {
  const request = operation.example.request as Json;
  if (wholeBody !== undefined) return request[wholeBody];
  const names = Object.keys(request).filter((name) => Object.hasOwn(bodyFields, name));
  return Object.fromEntries(names.map((name) => [name, request[name]]));
}

function contentOf(schema: Json, example: unknown): Json {
  return { [JSON_TYPE]: { schema, example } };
}

function statusesOfErrors(): number[] {
  const own = Object.values(ERRORS).map(({ status }) => status);
  return [...new Set([...own, ...Object.keys(BETTER).map(Number)])];
}

function errorResponse(status: number): [string, Json] {
  const better = BETTER[status];
  const codes = Object.entries(ERRORS).filter(([code, row]) =>
    better === undefined ? row.status === status : code === 'INVALID_REQUEST',
  );
  const names = codes.map(([code]) => `\`${code}\``).join(', ');
  const description = better === undefined ? names : `${names}: ${better}`;
  const error = {
    $ref: '#/components/schemas/Error',
    description: 'The call was refused for this reason.',
  };
  const schema = { type: 'object', required: ['error'], properties: { error } };
  const headers = { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds' } };
  const isPause = RETRY_STATUSES.includes(status);
  const examples = Object.fromEntries(
    codes.map(([code]) => [code, { value: { error: exampleError(code as ErrorCode) } }]),
  );
  const content = { [JSON_TYPE]: { schema, examples } };
  return [String(status), { description, ...(isPause && { headers }), content }];
}

function documentPaths(): Json {
  const path = (summary: string, type: string): Json => ({
    servers: [{ url: '/' }],
    get: {
      operationId: `get_${summary.replace(/\W+/g, '_').toLowerCase()}`,
      tags: ['documents'],
      summary,
      security: [],
      responses: {
        200: { description: 'The document', content: { [type]: {} } },
        304: { description: 'Not changed since the `ETag` in `If-None-Match`' },
      },
    },
  });
  return {
    '/openapi.json': path('This document', JSON_TYPE),
    '/asyncapi.json': path('The socket as AsyncAPI 3.0', JSON_TYPE),
    '/docs': path('These calls for people', 'text/html'),
    '/docs/socket': path('The socket for people', 'text/html'),
  };
}

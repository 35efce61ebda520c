import t from 'tap';
import { requestProblems } from '../services/edge/api/operation.ts';
import { OPERATIONS } from '../services/edge/api/operations.ts';
import { asyncApiOf } from '../services/edge/documents/asyncapi.ts';
import { openApiOf } from '../services/edge/documents/openapi.ts';
import { ROUTES } from '../services/edge/rest/routes.ts';
import { ERRORS } from '../shared/errors.ts';
import { DocumentedShapes } from './stage/official-schemas.ts';

type Json = Record<string, unknown>;
type Message = { name: string; payload: Json; examples: { payload: unknown }[] };
type Content = { schema: Json; example?: unknown; examples?: Record<string, { value: unknown }> };

const openApi = openApiOf(ROUTES);
const asyncApi = asyncApiOf(OPERATIONS);
const escaped = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');

t.test('the edge would carry out the request of each example', async (t) => {
  for (const operation of OPERATIONS)
    t.equal(requestProblems(operation, operation.example.request), undefined, operation.summary);
});

t.test('each frame has an example, which fits its schema', async (t) => {
  const frames = new DocumentedShapes(asyncApi);
  const { messages } = asyncApi.components as { messages: Record<string, Message> };
  for (const [name, { examples }] of Object.entries(messages)) {
    t.ok(examples.length > 0, name);
    for (const { payload } of examples)
      t.same(frames.problems(`/components/messages/${name}/payload`, payload), [], name);
  }
});

/** Lists the places of all contents of bodies and answers below the value. */
function contentsOf(value: unknown, place = ''): [place: string, content: Content][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]): [string, Content][] => {
    const at = `${place}/${escaped(key)}`;
    if (key === 'application/json' && 'schema' in item) return [[at, item]];
    return contentsOf(item, at);
  });
}

t.test('each body and each answer over HTTP has an example, which fits its schema', async (t) => {
  const shapes = new DocumentedShapes(openApi);
  const contents = contentsOf(openApi);
  t.ok(contents.length > 40);
  for (const [place, { example, examples = {} }] of contents) {
    const values = [example, ...Object.values(examples).map(({ value }) => value)];
    const given = values.filter((value) => value !== undefined);
    t.ok(given.length > 0, place);
    for (const value of given) t.same(shapes.problems(`${place}/schema`, value), [], place);
  }
});

t.test('each error has an example, under its status', async (t) => {
  const { responses } = openApi.components as {
    responses: Record<string, { content: Record<string, Content> }>;
  };
  for (const [code, { status }] of Object.entries(ERRORS)) {
    const value = responses[status]?.content['application/json']?.examples?.[code]?.value;
    t.match(value, { error: { code } });
  }
});

t.test('each parameter without which a call is refused has an example', async (t) => {
  const paths = Object.values(openApi.paths as Record<string, Record<string, Json>>);
  for (const { parameters = [], operationId } of paths.flatMap(Object.values) as Json[]) {
    for (const { name, required, example } of parameters as Json[]) {
      if (required === true) t.ok(example !== undefined, `${operationId} ${name}`);
    }
  }
});

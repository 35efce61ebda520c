import t from 'tap';
import { CLOSE, ERRORS } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { OPERATIONS } from '../api/operations.ts';
import { ROUTES } from '../rest/routes.ts';
import { asyncApiOf } from './asyncapi.ts';
import { openApiOf } from './openapi.ts';

const asyncApi = asyncApiOf(OPERATIONS);
const openApi = openApiOf(ROUTES);
const aboutOf = ({ info }: Record<string, unknown>): string =>
  (info as { description: string }).description;

t.test('the document of the socket says of each close code what a client does', async (t) => {
  const rows = asyncApi['x-close-codes'] as { code: number; reconnect: boolean; advice: string }[];
  t.same(
    rows.map(({ code }) => code),
    Object.values(CLOSE),
  );
  for (const { code, reconnect, advice } of rows) {
    t.equal(reconnect, code < 4_500, String(code));
    t.match(advice, /^[A-Z][^|]+\.$/, String(code));
    t.match(aboutOf(asyncApi), new RegExp(`\\| ${code} \\|`));
  }
});

t.test('both documents say of each error what it means and what a client does', async (t) => {
  for (const [code, { status }] of Object.entries(ERRORS)) {
    const row = new RegExp(`\\| \`${code}\` \\| ${status} \\| (?:yes|no) \\| [^|]+ \\| [^|]+ \\|`);
    for (const document of [asyncApi, openApi]) t.match(aboutOf(document), row);
  }
});

t.test('a call lists 431, and one with a body 408, 413 and 415', async (t) => {
  const paths = openApi.paths as Record<string, Record<string, { responses: object }>>;
  const statusesOf = (path: string, method: string): string[] =>
    Object.keys(paths[path]?.[method]?.responses ?? {});
  const bodyStatuses = ['408', '413', '415'];
  const listing = statusesOf('/conversations', 'get');
  const creating = statusesOf('/conversations', 'post');
  t.ok(listing.includes('431') && creating.includes('431'));
  t.notOk(bodyStatuses.some((status) => listing.includes(status)));
  t.ok(bodyStatuses.every((status) => creating.includes(status)));
});

t.test('both documents tell of tokens, limits and repeats, by the numbers that hold', async (t) => {
  for (const document of [asyncApi, openApi]) {
    const about = aboutOf(document);
    for (const word of ['`sub`', '`exp`', '`iss`', '`aud`', 'Bearer', 'client_msg_id'])
      t.ok(about.includes(word), word);
    t.match(about, `${LIMITS.contentCharactersMax} code points`);
    t.match(about, '10 a second, and 20 at once');
  }
  const about = aboutOf(asyncApi);
  t.match(about, `every ${LIMITS.heartbeatIntervalMs / 1_000} seconds`);
  for (const word of ['resumed: false', 'replay_end', 'resync', '`ack`', 'token_expiring'])
    t.ok(about.includes(word), word);
});

t.test('no row of a table is broken by a bar or a line within a cell', async (t) => {
  for (const document of [asyncApi, openApi]) {
    for (const table of aboutOf(document).match(/(?:^\|.*\n?)+/gm) ?? []) {
      const widths = table
        .trim()
        .split('\n')
        .map((row) => row.split('|').length);
      t.equal(new Set(widths).size, 1, table.slice(0, 80));
    }
  }
});

/** Lists the places of all fields and parameters below the value, with what describes them. */
function fieldsOf(value: unknown, place = ''): [place: string, description: unknown][] {
  if (typeof value !== 'object' || value === null) return [];
  const { properties, in: parameterIn, description } = value as Record<string, unknown>;
  const fields = Object.entries((properties ?? {}) as Record<string, object>).map(
    ([name, field]): [string, unknown] => [`${place}.${name}`, Reflect.get(field, 'description')],
  );
  if (typeof parameterIn === 'string') fields.push([place, description]);
  const below = Object.entries(value).filter(([key]) => !['example', 'examples'].includes(key));
  return [...fields, ...below.flatMap(([key, item]) => fieldsOf(item, `${place}/${key}`))];
}

t.test('a sentence describes each field of each schema and each parameter', async (t) => {
  for (const document of [asyncApi, openApi]) {
    const fields = fieldsOf(document);
    t.ok(fields.length > 100);
    const bare = fields.filter(([, text]) => !/^[A-Z`].*\.$/.test(String(text)));
    t.same(bare, []);
  }
});

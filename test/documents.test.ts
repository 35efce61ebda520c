import t from 'tap';
import { asyncApiCheck, brokenRefs, openApiCheck } from './stage/official-schemas.ts';
import { shareStack } from './stage/stack.ts';

const system = await shareStack(t);

type Json = Record<string, unknown>;
const fetchDocument = async (path: string): Promise<Json> => (await system.rest('GET', path)).body;

t.test('the OpenAPI document is valid by the official schema', async (t) => {
  const document = await fetchDocument('/openapi.json');
  const check = openApiCheck();
  t.ok(check(document), JSON.stringify(check.errors));
  t.same(brokenRefs(document), []);
  const paths = document.paths as Record<string, Json>;
  t.ok(Object.keys(paths).length > 10);
  t.notOk(check({ ...document, info: {} }), 'the check sees a missing title');
  const schema = { type: 'objet' };
  const content = { 'application/json': { schema } };
  const get = { responses: { 200: { description: '', content } } };
  t.notOk(check({ ...document, paths: { '/x': { get } } }), 'the check sees a bad schema');
});

t.test('the AsyncAPI document is valid by the official schema', async (t) => {
  const document = await fetchDocument('/asyncapi.json');
  const check = asyncApiCheck();
  t.ok(check(document), JSON.stringify(check.errors));
  t.same(brokenRefs(document), []);
  const operations = document.operations as Record<string, Json>;
  t.match(operations.message, { action: 'receive' });
  t.match(operations.event_message, { action: 'send' });
  t.notOk(check({ ...document, operations: { message: { action: 'take' } } }));
});

t.test('documents need no token, have an ETag, and are not sent again unchanged', async (t) => {
  for (const path of ['/openapi.json', '/asyncapi.json', '/docs', '/docs/socket']) {
    const first = await system.rest('GET', path);
    t.equal(first.status, 200, path);
    const etag = first.headers.get('etag') ?? '';
    t.match(etag, /^"[\w-]{22}"$/);
    const again = await system.rest('GET', path, {
      headers: { 'if-none-match': `W/"x", ${etag}` },
    });
    t.equal(again.status, 304, path);
    t.same(again.body, {});
    const changed = await system.rest('GET', path, { headers: { 'if-none-match': '"x"' } });
    t.equal(changed.status, 200, path);
    const posted = await system.rest('POST', path, { body: {} });
    t.same([posted.status, posted.body.error?.code], [405, 'INVALID_REQUEST'], path);
  }
});

t.test('the page of the socket asks no other host and runs no script', async (t) => {
  const response = await fetch(`${system.stack.urls.edges[0]}/docs/socket`);
  const policy = response.headers.get('content-security-policy') ?? '';
  t.match(policy, /default-src 'none'/);
  t.notMatch(policy, /unsafe|http/);
  const page = await response.text();
  t.notMatch(page, /<script|<img|src=/);
  const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  t.equal(new Set(ids).size, ids.length, 'no id is used twice');
  t.same(
    targets.filter((id) => !ids.includes(id)),
    [],
    'no link leads nowhere',
  );
  for (const word of ['presence_watch', 'replay_end', 'RATE_LIMITED', '4505', 'See you at eight'])
    t.ok(page.includes(word), word);
});

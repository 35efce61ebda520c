import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import t from 'tap';
import { shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const [edge] = system.stack.urls.edges as [string];

type Answer = {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
};

/** Asks without a browser's cleverness: the path goes out as it stands, and nothing is decoded. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(edge);
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, path, headers, method }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const { statusCode: status = 0, headers: answered } = answer;
      resolve({ status, headers: answered, body: Buffer.concat(chunks) });
    });
    asking.on('error', reject).end();
  });
}

/** Reads the addresses of all that the first load asks for. */
async function firstLoad(): Promise<string[]> {
  const index = (await ask('/')).body.toString();
  const named = [...index.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => `/${path}`);
  return ['/', ...named, '/page.json'];
}

t.test('the page is there without a token, and names where to log in', async (t) => {
  const index = await ask('/');
  t.equal(index.status, 200);
  t.match(index.headers['content-type'], 'text/html');
  t.match(index.body.toString(), '<div id="page">');
  const settings = await ask('/page.json');
  t.same(JSON.parse(settings.body.toString()), { login_url: system.stack.urls.kaha });
  for (const path of await firstLoad()) t.equal((await ask(path)).status, 200, path);
});

t.test('each part of the page forbids all that the page does not need', async (t) => {
  for (const path of await firstLoad()) {
    const { headers } = await ask(path);
    const policy = String(headers['content-security-policy']);
    const rules = Object.fromEntries(
      policy.split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1).join(' ')]),
    );
    t.match(rules, {
      'default-src': "'none'",
      'script-src': /^'self'$/,
      'worker-src': "'self'",
      'style-src': /^'self'$/,
      'connect-src': `'self' ${system.stack.urls.kaha}`,
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    });
    t.notMatch(policy, /unsafe|\*|http:(?!\/\/127)/);
    t.equal(headers['x-content-type-options'], 'nosniff');
    t.equal(headers['referrer-policy'], 'no-referrer');
  }
});

t.test('what is compressed is the same, and what has a hash is kept for ever', async (t) => {
  const script = (await firstLoad()).find((path) => path.endsWith('.js')) as string;
  const plain = await ask(script);
  const brotli = await ask(script, { 'accept-encoding': 'gzip, deflate, br' });
  const gzip = await ask(script, { 'accept-encoding': 'br;q=0, gzip' });
  t.same(
    [plain, brotli, gzip].map(({ headers }) => headers['content-encoding']),
    [undefined, 'br', 'gzip'],
  );
  t.ok(brotliDecompressSync(brotli.body).equals(plain.body));
  t.ok(gunzipSync(gzip.body).equals(plain.body));
  const tags = [plain, brotli, gzip].map(({ headers }) => headers.etag);
  t.equal(new Set(tags).size, 3, 'each form has its own tag');
  t.match(plain.headers.vary, /Accept-Encoding/);
  t.match(plain.headers['cache-control'], 'immutable');
  t.equal((await ask('/')).headers['cache-control'], 'no-cache');
});

t.test('nothing is sent again to a client that has it', async (t) => {
  for (const path of await firstLoad()) {
    const etag = String((await ask(path)).headers.etag);
    const again = await ask(path, { 'if-none-match': `"x", W/${etag}` });
    t.same([again.status, again.body.length], [304, 0], path);
    t.equal((await ask(path, { 'if-none-match': '"x"' })).status, 200, path);
  }
});

t.test('another method is refused, and says which one is possible', async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const { status, headers } = await ask('/', {}, method);
    t.same([status, headers.allow], [405, 'GET, OPTIONS'], method);
  }
});

t.test('no path leads to another file of the machine', async (t) => {
  const paths = [
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/assets/....//package.json',
    '/assets//etc/passwd',
    '//etc/passwd',
    '/assets/',
    '/assets',
    '/index.html',
    '/assets/page.js',
    '/assets/%00.js',
    '/assets/../page.json',
  ];
  for (const path of paths) {
    const { status, body } = await ask(path);
    t.ok(status === 404 || status === 400, `${path} ${status}`);
    t.match(JSON.parse(body.toString()), { error: { code: /NOT_FOUND|INVALID_REQUEST/ } });
  }
  const [script] = (await firstLoad()).filter((path) => path.endsWith('.js'));
  t.equal((await ask(`${script}.br`)).status, 404, 'a compressed form has no address');
});

t.test('the first load has at most 60 kB', async (t) => {
  let bytes = 0;
  for (const path of await firstLoad()) {
    bytes += (await ask(path, { 'accept-encoding': 'gzip' })).body.length;
  }
  t.ok(bytes > 10_000 && bytes <= 60_000, `${bytes} bytes`);
});

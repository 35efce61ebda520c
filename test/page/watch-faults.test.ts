import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { until } from '../../dev/testing/until.ts';
import { setBrowser, WITHOUT_BROWSER } from './browser.ts';
import { watchFaults } from './watch-faults.ts';

const POLICY = "default-src 'none'; script-src 'self' 'nonce-x'; img-src 'self'";
const browser = await setBrowser(t);
const skip = browser === undefined && WITHOUT_BROWSER;

/** Resolves with the faults of a page that has this script, and waits for `expected` of them. */
async function faultsOf(script: string, expected: number): Promise<string[]> {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/' ? 200 : 404;
    response.setHeader('content-security-policy', POLICY);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><title>x</title><script nonce="x">${script}</script>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const context = await browser?.newContext();
  if (context === undefined) return [];
  try {
    const faults = await watchFaults(context);
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await until(`${expected} faults`, () => faults.length >= expected);
    return faults;
  } finally {
    await context.close();
    server.closeAllConnections();
    server.close();
  }
}

t.test('a page that breaks its policy is found out', { skip }, async (t) => {
  const script = `const image = new Image(); image.src = 'https://example.com/x.png';`;
  const faults = await faultsOf(script, 1);
  t.match(faults.join('\n'), /policy: img-src refuses https:\/\/example.com\/x.png/);
});

t.test('a page that runs a handler of an attribute is found out', { skip }, async (t) => {
  const script = `document.write('<p id=a onclick="alert(1)">a</p>'); a.click();`;
  t.match((await faultsOf(script, 1)).join('\n'), /policy: script-src-attr/);
});

t.test('a dialog, an error and a rejection are faults', { skip }, async (t) => {
  const script = `setTimeout(() => { throw new Error('one'); });
    Promise.reject(new Error('two')); setTimeout(() => alert('three')); console.error('four');`;
  const faults = await faultsOf(script, 4);
  t.same(faults.sort(), ['dialog: three', 'error: one', 'error: two', 'four']);
});

t.test('a request that fails is no fault of the page', { skip }, async (t) => {
  const script = `const image = new Image(); image.onerror = () => console.error('seen');
    image.src = '/missing.png';`;
  t.same(await faultsOf(script, 1), ['seen']);
});

import t from 'tap';
import { setBrowser, WITHOUT_BROWSER } from './page/browser.ts';
import { watchFaults } from './page/watch-faults.ts';
import { shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const browser = await setBrowser(t);
const [edge] = system.stack.urls.edges as [string];
const WAIT_MS = 60_000;

/** Opens a page that notes all that it must not do: faults, and requests to other hosts. */
async function open(path: string) {
  const context = await browser?.newContext();
  if (context === undefined) throw new Error(WITHOUT_BROWSER);
  context.setDefaultTimeout(WAIT_MS);
  const faults = await watchFaults(context);
  context.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${edge}/`) && !url.startsWith('data:')) faults.push(`asked ${url}`);
  });
  const page = await context.newPage();
  await page.goto(`${edge}${path}`);
  return { context, page, faults };
}

const skip = browser === undefined && WITHOUT_BROWSER;

t.test('a person tries a request with their token, and sees the answer', { skip }, async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const { context, page, faults } = await open('/docs');
  await page.getByRole('button', { name: 'Authorize' }).first().click();
  const dialog = page.locator('.modal-ux');
  await dialog.locator('input[type=text]').first().fill(ann.token);
  await dialog.getByRole('button', { name: 'Apply credentials' }).first().click();
  await dialog.getByRole('button', { name: 'Close' }).first().click();
  const call = page.locator('#operations-conversations-get_conversations');
  await call.getByRole('button').first().click();
  await call.getByRole('button', { name: 'Execute' }).click();
  const answer = call.locator('.live-responses-table');
  await answer.waitFor();
  t.match(await answer.textContent(), '200');
  t.match(await answer.textContent(), conversation);
  t.same(faults, []);
  await context.close();
});

t.test('a request without a token shows the error that came', { skip }, async (t) => {
  const { context, page, faults } = await open('/docs');
  const call = page.locator('#operations-conversations-get_conversations');
  await call.getByRole('button').first().click();
  await call.getByRole('button', { name: 'Execute' }).click();
  const answer = call.locator('.live-responses-table');
  await answer.waitFor();
  t.match(await answer.textContent(), 'UNAUTHENTICATED');
  t.same(faults, []);
  await context.close();
});

t.test('the page of the socket needs no script and breaks no policy', { skip }, async (t) => {
  const { context, page, faults } = await open('/docs/socket');
  await page.getByRole('link', { name: 'Close codes' }).click();
  t.ok(await page.getByRole('cell', { name: '4505', exact: true }).isVisible());
  t.same(faults, []);
  await context.close();
});

t.test('the viewer comes compressed, for ever, and under a strict policy', async (t) => {
  const index = await fetch(`${edge}/docs`);
  const text = await index.text();
  const policy = index.headers.get('content-security-policy') ?? '';
  t.notMatch(policy, /unsafe|http|\*/);
  const parts = [...text.matchAll(/(?:src|href)="(\/docs\/viewer-[^"]+)"/g)].map(
    ([, path]) => path,
  );
  t.equal(parts.length, 2);
  for (const path of parts) {
    const { headers } = await fetch(`${edge}${path}`);
    t.match(headers.get('cache-control'), 'immutable');
    t.equal(headers.get('content-security-policy'), policy);
    t.match(headers.get('content-encoding'), /br|gzip/);
  }
  for (const path of ['/docs/', '/docs/made-of', '/docs/../package.json', '/docs/LICENSE'])
    t.equal((await fetch(`${edge}${path}`)).status, 404, path);
});

import type { Page } from 'playwright-core';
import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { openChat, rowOf, write } from './page/chat-page.ts';
import { personOf } from './page/named.ts';
import { setPages } from './page/set-pages.ts';

// Each test has its own people, so that no test sees what another one wrote.
const pages = await setPages(t);

const focused = (page: Page): Promise<string> =>
  page.evaluate('document.activeElement.ariaLabel ?? document.activeElement.textContent');

pages.test(
  'a conversation is begun, found by name, and told of by a strip',
  async (t, { open }) => {
    const asha = await open('Asha');
    await asha.getByText('You have no conversations yet.').waitFor();
    await asha.getByRole('button', { name: 'Write to somebody' }).click();
    await asha.getByRole('dialog').getByRole('button', { name: 'Bikram' }).click();
    await write(asha, 'Hello');
    await rowOf(asha, 'Bikram').getByText('You: Hello').waitFor();

    await asha.getByRole('button', { name: 'New conversation' }).click();
    await asha.getByRole('radio', { name: 'Group' }).check();
    await asha.getByRole('textbox', { name: 'Title of the group' }).fill('Trek to Lobuche');
    for (const name of ['Bikram', 'Chandra']) await asha.getByRole('checkbox', { name }).check();
    await asha.getByRole('button', { name: 'Make a group of 3' }).click();
    await asha.getByRole('main').getByText('Trek to Lobuche').first().waitFor();

    const search = asha.getByRole('textbox', { name: 'Search conversations' });
    await search.fill('lob');
    const found = asha.getByRole('list', { name: 'Conversations found' }).getByRole('listitem');
    await found.first().waitFor();
    t.equal(await found.count(), 1);
    await search.fill('nobody at all');
    await asha.getByText('Nothing found for').waitFor();
    await search.press('Escape');
    await rowOf(asha, 'Bikram').waitFor();

    await asha.getByRole('switch', { name: 'Offline' }).click();
    for (const text of ['one', 'two']) await write(asha, text);
    await asha.getByText('You switched the network off. 2 messages wait to be sent.').waitFor();
    await asha.getByRole('switch', { name: 'Offline' }).click();
    await asha.getByText('wait to be sent.').waitFor({ state: 'hidden' });
    await asha.getByRole('status').getByText('Connected', { exact: true }).waitFor();
  },
);

pages.test('the keyboard goes through the list, into a conversation and back', async (t, scene) => {
  const { open, system } = scene;
  const deepa = await personOf(system, 'Deepa');
  for (const name of ['Eli', 'Farah', 'Gita']) {
    await system.conversation([deepa, await personOf(system, name)]);
  }
  const page = await open('Deepa');
  await rowOf(page, 'Eli').waitFor();
  await page.getByRole('textbox', { name: 'Search conversations' }).focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  t.match(await focused(page), 'Gita', 'the newest is the first');
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp']) await page.keyboard.press(key);
  t.match(await focused(page), 'Farah');
  await page.keyboard.press('End');
  await page.keyboard.press('Tab');
  t.equal(await focused(page), 'Archived', 'the list is one stop');
  await page.keyboard.press('Shift+Tab');
  await rowOf(page, 'Farah').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('log').waitFor();
  t.equal(await focused(page), 'Message', 'one can write at once');
  await page.keyboard.press('F6');
  t.match(await focused(page), 'Farah');
  await page.keyboard.press('F6');
  await page.keyboard.press('Escape');
  await page.getByText('Choose a conversation to read it here.').waitFor();
  t.match(await focused(page), 'Farah', 'the focus comes back');
});

pages.test('an archived conversation is kept aside until somebody writes', async (t, scene) => {
  const { open, system } = scene;
  const hari = await personOf(system, 'Hari');
  const id = await system.conversation([hari, await personOf(system, 'Asha')]);
  const page = await open('Hari');
  await openChat(page, 'Asha');
  await system.rest('DELETE', `/api/v1/conversations/${id}`, { token: hari.token });
  await page.getByText('You have no conversations yet.').waitFor();
  await page.getByRole('button', { name: 'Archived', exact: true }).click();
  const archived = page.getByRole('list', { name: 'Archived conversations' });
  await archived.getByRole('link', { name: /Asha/ }).waitFor();
  const other = await open('Asha');
  await openChat(other, 'Hari');
  await write(other, 'Are you back?');
  await page.getByText('Nothing is archived.').waitFor();
  await page.getByRole('button', { name: 'Back to all' }).click();
  t.equal(await rowOf(page, 'Asha').count(), 1);
});

pages.test("one sees one's devices, and signs another one out", async (t, { open, system }) => {
  const first = await open('Gita');
  const second = await open('Gita');
  await second.getByRole('button', { name: 'More' }).click();
  await second.getByRole('menuitem', { name: 'Your devices' }).click();
  const devices = second.getByRole('dialog').getByRole('listitem');
  await devices.getByText('This browser').waitFor();
  t.equal(await devices.count(), 2);
  const other = second.getByRole('button', { name: /^Sign out Device/ });
  await other.click();
  await second.getByRole('button', { name: /^Really sign out Device/ }).click();
  await first.getByText('You were signed out.').waitFor();
  await other.waitFor({ state: 'hidden' });
  t.equal(await devices.count(), 1);

  await second.getByRole('checkbox', { name: 'Notifications on this browser' }).waitFor();
  await second.getByRole('button', { name: 'Sign out This browser' }).click();
  await second.getByRole('button', { name: 'Really sign out This browser?' }).click();
  await second.getByRole('button', { name: /^Gita/ }).waitFor();
  const { id } = await personOf(system, 'Gita');
  const rows = await system.sql('select from signed_out_devices where user_id = $1', [id]);
  t.equal(rows.length, 2);
});

pages.test('a push is shown by the browser, and leads to its conversation', async (t, scene) => {
  const { open, system } = scene;
  const page = await open('Eli');
  const context = page.context();
  await context.grantPermissions(['notifications']);
  const id = await system.conversation([
    await personOf(system, 'Eli'),
    await personOf(system, 'Asha'),
  ]);
  const devtools = await context.newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    devtools.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
      const active = versions.find(({ status }) => status === 'activated');
      if (active !== undefined) resolve(active.registrationId);
    });
  });
  await devtools.send('ServiceWorker.enable');
  await page.evaluate(`navigator.serviceWorker.register('push-worker.js')`);
  const data = JSON.stringify({
    title: 'Asha',
    body: 'Namaste',
    tag: 't',
    data: { conversation_id: id },
  });
  const push = { origin: new URL(page.url()).origin, registrationId: await registered, data };
  await devtools.send('ServiceWorker.deliverPushMessage', push);
  const shown = await until('the notification is shown', () =>
    page.evaluate(`navigator.serviceWorker.ready
      .then((worker) => worker.getNotifications())
      .then(([one]) => one && { title: one.title, body: one.body, data: one.data })`),
  );
  t.same(shown, { title: 'Asha', body: 'Namaste', data: { conversation_id: id } });
  const [worker] = context.serviceWorkers();
  await worker?.evaluate(`registration.getNotifications().then(([notification]) =>
    dispatchEvent(new NotificationEvent('notificationclick', { notification })))`);
  await page.getByRole('main').getByText('Asha').first().waitFor();
  t.ok(page.url().endsWith(`#/c/${id}`));
});

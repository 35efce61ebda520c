import type { Locator, Page } from 'playwright-core';
import t from 'tap';
import { newId } from '../shared/ids.ts';
import { messageOf, openChat, rowOf, shownBy, untilMarked, write } from './page/chat-page.ts';
import { businessIdOf, personOf, userIdOf } from './page/named.ts';
import { setPages } from './page/set-pages.ts';
import type { System } from './stage/stack.ts';

const pages = await setPages(t);
const BOOKS = 'Himal Books';

async function meetBooks(system: System, name: string): Promise<string> {
  const { token } = await personOf(system, name);
  const body = { type: 'business', business_id: businessIdOf(BOOKS) };
  const answer = await system.rest('POST', '/api/v1/conversations', { token, body });
  return String(answer.body.conversation_id);
}

async function openInbox(page: Page, view: string): Promise<void> {
  const places = page.getByRole('navigation', { name: 'Places' });
  await places.getByRole('link', { name: new RegExp(`^${BOOKS}`) }).click();
  await page.getByRole('link', { name: new RegExp(`^${view}`) }).click();
}

const stateOf = (page: Page) =>
  page.getByRole('region', { name: 'State of the conversation' }).getByRole('status');

pages.test('a customer is answered by two agents, one after the other', async (t, scene) => {
  const { open, system } = scene;
  await meetBooks(system, 'Chandra');
  const chandra = await open('Chandra');
  await openChat(chandra, BOOKS);
  await stateOf(chandra).getByText('Write, and somebody answers').waitFor();
  await write(chandra, 'Do you have maps?');
  await stateOf(chandra)
    .getByText(/You have waited for/)
    .waitFor();

  const [jaya, kiran] = [await open('Jaya'), await open('Kiran')];
  await openInbox(jaya, 'Waiting 1');
  await rowOf(jaya, 'Chandra').getByText('waiting for a moment').waitFor();
  await openInbox(kiran, 'Mine 0');
  // Jaya is given what waits as soon as she is available.
  await jaya.getByRole('radio', { name: 'Available' }).check();
  await jaya.getByText('You are given new conversations.').waitFor();
  await jaya.getByRole('link', { name: 'Mine 1' }).click();
  await openChat(jaya, 'Chandra');
  await write(jaya, 'Yes, of all districts');
  await messageOf(chandra, 'Yes, of all districts').waitFor();
  await untilMarked(jaya, 'Yes, of all districts', 'Read');
  await stateOf(chandra).getByText('Jaya answers you').waitFor();

  await jaya.getByRole('button', { name: 'Transfer …' }).click();
  const dialog = jaya.getByRole('dialog', { name: 'Transfer to' });
  await dialog.getByRole('button', { name: /^Kiran offline 0\/5/ }).click();
  await dialog.waitFor({ state: 'hidden' });
  await jaya.getByText('You have no conversation now.').waitFor();
  await stateOf(chandra).getByText('Kiran answers you').waitFor();
  await openChat(kiran, 'Chandra');
  t.ok((await shownBy(kiran, 'Kiran')).includes('Jaya: Yes, of all districts'), 'all is there');
  await write(kiran, 'I put one aside for you');
  await messageOf(chandra, 'I put one aside for you').waitFor();

  await kiran.getByRole('button', { name: 'Close', exact: true }).click();
  await stateOf(chandra).getByText('Closed. Write to open it again').waitFor();
  await kiran.getByRole('link', { name: 'Closed' }).click();
  await openChat(kiran, 'Chandra');
  await kiran.getByRole('button', { name: 'Reopen' }).click();
  await stateOf(chandra)
    .getByText(/Jaya answers you|You have waited/)
    .waitFor();
  await jaya.getByRole('radio', { name: 'Offline' }).check();
  await jaya.getByText(/You get nothing new/).waitFor();
});

pages.test('an agent takes, and another one is told who was faster', async (t, scene) => {
  const { open, system } = scene;
  const id = await meetBooks(system, 'Deepa');
  const [deepa, jaya] = [await open('Deepa'), await open('Jaya')];
  await openChat(deepa, BOOKS);
  await write(deepa, 'Is anybody there?');
  let isTold = true;
  await jaya.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => {
      if (isTold || !/^\{"type":"inbox"/.test(String(frame))) socket.send(frame);
    });
  });
  await jaya.reload();
  await openInbox(jaya, 'Waiting');
  await openChat(jaya, 'Deepa');
  await messageOf(jaya, 'Is anybody there?').waitFor();
  t.equal(await jaya.getByRole('textbox', { name: 'Message' }).count(), 0, 'reading is no taking');

  // Jaya does not hear that Kiran takes the conversation, so the page still offers it.
  isTold = false;
  const { token } = await personOf(system, 'Kiran');
  const path = `/api/v1/conversations/${id}/assignee`;
  t.equal((await system.rest('PUT', path, { token, body: {} })).status, 200);
  await jaya.getByRole('button', { name: 'Take', exact: true }).click();
  await jaya.getByText('Kiran was faster and has this conversation now.').waitFor();
});

pages.test('a manager sees all, gives out, and exceeds places when told', async (_, scene) => {
  const { open, system } = scene;
  const { token } = await personOf(system, 'Ishwor');
  // Kiran has the conversation of the test before.
  const businessId = businessIdOf(BOOKS);
  const agentPath = (name: string): string =>
    `/api/v1/businesses/${businessId}/agents/${userIdOf(name)}`;
  await system.rest('PUT', agentPath('Kiran'), { token, body: { role: 'agent', capacity: 2 } });
  for (const name of ['Eli', 'Farah']) {
    const id = await meetBooks(system, name);
    const body = { client_msg_id: newId<string>(), content: `I am ${name}` };
    const customer = await personOf(system, name);
    const path = `/api/v1/conversations/${id}/messages`;
    await system.rest('POST', path, { token: customer.token, body });
  }
  const ishwor = await open('Ishwor');
  await openInbox(ishwor, 'Waiting');
  const give = async (customer: string): Promise<Locator> => {
    await openChat(ishwor, customer);
    await ishwor.getByRole('button', { name: 'Give to …' }).click();
    const dialog = ishwor.getByRole('dialog', { name: 'Give to' });
    await dialog.getByRole('button', { name: /^Kiran/ }).click();
    return dialog;
  };
  await (await give('Eli')).waitFor({ state: 'hidden' });
  await stateOf(ishwor)
    .getByText(/^Kiran has it/)
    .waitFor();
  const dialog = await give('Farah');
  await dialog.getByRole('alert').getByText('Kiran has 2 of 2 conversations already.').waitFor();
  await dialog.getByRole('button', { name: 'Give it anyway' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await openInbox(ishwor, 'All assigned');
  for (const name of ['Eli', 'Farah'])
    await rowOf(ishwor, name)
      .getByText(/^Kiran ·/)
      .waitFor();
});

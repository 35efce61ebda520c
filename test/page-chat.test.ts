import t from 'tap';
import { startCuttingProxy } from './harm/cutting-proxy.ts';
import {
  messageOf,
  openChat,
  rowOf,
  setOffline,
  shownBy,
  untilMarked,
  untilSame,
  write,
} from './page/chat-page.ts';
import { personOf } from './page/named.ts';
import { setPages, signIn } from './page/set-pages.ts';
import type { System } from './stage/stack.ts';

// Each test has its own two people, so that no test sees what another one wrote.
const pages = await setPages(t);

async function acquaint(system: System, ...names: string[]): Promise<string> {
  return system.conversation(await Promise.all(names.map((name) => personOf(system, name))));
}

pages.test('two people chat, and see typing, checks and presence', async (t, { open, system }) => {
  await acquaint(system, 'Asha', 'Bikram');
  const asha = await open('Asha');
  await openChat(asha, 'Bikram');
  await write(asha, 'Are you there?');
  await untilMarked(asha, 'Are you there?', 'Sent');
  await asha
    .getByText('offline')
    .or(asha.getByText(/last seen/))
    .first()
    .waitFor();

  const bikram = await open('Bikram');
  await asha.getByText('online', { exact: true }).first().waitFor();
  await rowOf(bikram, 'Asha').getByText('Are you there?').waitFor();
  await openChat(bikram, 'Asha');
  await untilMarked(asha, 'Are you there?', 'Read');
  await bikram.keyboard.press('Escape');
  await bikram.getByText('Choose a conversation to read it here.').waitFor();
  await write(asha, 'Or there?');
  await untilMarked(asha, 'Or there?', 'Delivered');
  await openChat(bikram, 'Asha');
  await untilMarked(asha, 'Or there?', 'Read');

  await bikram.getByRole('textbox', { name: 'Message' }).pressSequentially('Ye');
  await asha.getByRole('main').getByText('typing …').waitFor();
  await write(bikram, 'Yes, I am');
  await messageOf(asha, 'Yes, I am').waitFor();
  await asha.getByRole('main').getByText('typing …').waitFor({ state: 'hidden' });
  t.same(await shownBy(asha, 'Asha'), [
    ...['Asha: Are you there?', 'Asha: Or there?', 'Bikram: Yes, I am'],
  ]);
  await bikram.context().close();
  await asha
    .getByRole('main')
    .getByText(/last seen|offline/)
    .waitFor();
});

pages.test('one switches the network off, both write, and both show the same', async (t, scene) => {
  const { open, system } = scene;
  await acquaint(system, 'Chandra', 'Deepa');
  const [chandra, deepa] = [await open('Chandra'), await open('Deepa')];
  await openChat(chandra, 'Deepa');
  await openChat(deepa, 'Chandra');
  await write(chandra, 'before');
  await messageOf(deepa, 'before').waitFor();
  await setOffline(chandra, true);
  for (const text of ['one', 'two', 'three']) await write(chandra, text);
  await untilMarked(chandra, 'three', 'Waiting to be sent');
  for (const text of ['four', 'five']) await write(deepa, text);
  await untilMarked(deepa, 'five', 'Sent');
  t.same(await shownBy(chandra, 'Chandra'), [
    ...['before', 'one', 'two', 'three'].map((text) => `Chandra: ${text}`),
  ]);
  await setOffline(chandra, false);
  const shown = await untilSame({ Chandra: chandra, Deepa: deepa }, ({ length }) => length === 6);
  t.same(shown, [
    ...['Chandra: before', 'Deepa: four', 'Deepa: five'],
    ...['one', 'two', 'three'].map((text) => `Chandra: ${text}`),
  ]);
});

pages.test('a network that is cut loses and repeats nothing', async (t, { open, system }) => {
  const { url, setClosed, setSilent } = await startCuttingProxy(t, [system.edgePort()]);
  await acquaint(system, 'Eli', 'Farah');
  const [eli, farah] = [await open('Eli', { url }), await open('Farah')];
  await openChat(eli, 'Farah');
  await openChat(farah, 'Eli');
  await write(eli, 'before');
  await messageOf(farah, 'before').waitFor();
  // What is under way when the network goes silent may or may not have arrived.
  setSilent(true);
  await write(eli, 'one');
  await write(farah, 'two');
  await untilMarked(farah, 'two', 'Sent');
  setClosed(true);
  await write(eli, 'three');
  await untilMarked(eli, 'three', 'Waiting to be sent');
  await write(farah, 'four');
  setSilent(false);
  setClosed(false);
  const shown = await untilSame({ Eli: eli, Farah: farah }, ({ length }) => length === 5);
  t.same([...shown].sort(), [
    ...['Eli: before', 'Eli: one', 'Eli: three', 'Farah: four', 'Farah: two'],
  ]);
  t.ok(shown.indexOf('Eli: one') < shown.indexOf('Eli: three'), 'what one writes stays in order');
});

pages.test('a reload loses nothing, and what waits is sent', async (t, { open, system }) => {
  await acquaint(system, 'Gita', 'Hari');
  const [gita, hari] = [await open('Gita'), await open('Hari')];
  await openChat(gita, 'Hari');
  await openChat(hari, 'Gita');
  await write(hari, 'hello');
  await messageOf(gita, 'hello').waitFor();
  await setOffline(gita, true);
  await write(gita, 'one');
  await write(gita, 'two');
  await untilMarked(gita, 'two', 'Waiting to be sent');
  await gita.getByRole('textbox', { name: 'Message' }).fill('a draft');
  await gita.reload();
  await setOffline(gita, false);
  const shown = await untilSame({ Gita: gita, Hari: hari }, ({ length }) => length === 3);
  t.same(shown, ['Hari: hello', 'Gita: one', 'Gita: two']);
  await gita.reload();
  await untilSame({ Gita: gita, Hari: hari }, ({ length }) => length === 3);
  t.equal(await gita.getByRole('textbox', { name: 'Message' }).inputValue(), 'a draft');
});

pages.test('two tabs of one person are one device, and one takes over', async (t, scene) => {
  const { open, system } = scene;
  await acquaint(system, 'Maya', 'Nabin');
  const [first, nabin] = [await open('Maya'), await open('Nabin')];
  const second = await first.context().newPage();
  await second.goto(first.url());
  await signIn(second, 'Maya');
  for (const tab of [first, second]) await openChat(tab, 'Nabin');
  await openChat(nabin, 'Maya');
  await write(first, 'from the first');
  await write(second, 'from the second');
  await write(nabin, 'to both');
  const tabs = { Maya: first, Nabin: nabin };
  const shown = await untilSame(tabs, ({ length }) => length === 3);
  t.same(await untilSame({ Maya: second }, ({ length }) => length === 3), shown);

  await first.close();
  await write(second, 'from the one that is left');
  await untilMarked(second, 'from the one that is left', 'Read');
  const after = await untilSame({ Maya: second, Nabin: nabin }, ({ length }) => length === 4);
  t.same(after, [...shown, 'Maya: from the one that is left']);
});

pages.test('who opens a conversation has read what the window shows', async (t, scene) => {
  const { open, system } = scene;
  await acquaint(system, 'Ishwor', 'Jaya');
  const ishwor = await open('Ishwor');
  await openChat(ishwor, 'Jaya');
  const texts = ['one', 'two', 'three', 'four'].map((word) => `${word} ${'long '.repeat(400)}end`);
  for (const text of texts) await write(ishwor, text);
  await ishwor
    .getByRole('img', { name: 'Sent', exact: true })
    .nth(texts.length - 1)
    .waitFor();
  const jaya = await open('Jaya');
  await openChat(jaya, 'Ishwor');
  await ishwor.getByRole('img', { name: 'Read', exact: true }).first().waitFor();
  t.match(
    await rowOf(jaya, 'Ishwor').textContent(),
    /[123](?: unread)?$/,
    'the last ones are not read',
  );
  await jaya.getByRole('button', { name: /newest|new messages/ }).click();
  await ishwor
    .getByRole('img', { name: 'Read', exact: true })
    .nth(texts.length - 1)
    .waitFor();
});

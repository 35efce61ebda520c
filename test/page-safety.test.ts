import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import { openChat } from './page/chat-page.ts';
import { businessIdOf, personOf } from './page/named.ts';
import { PAYLOADS } from './page/payloads.ts';
import { setPages } from './page/set-pages.ts';
import type { Person, System } from './stage/stack.ts';

const FIRST_LOAD_BYTES_MAX = 60 * 1_024;
const TYPES = ['text', 'image', 'file', 'voice'];
/** Finds what a payload makes where it is taken for markup, and links that lead to no page. */
const STRANGE = `[...document.querySelectorAll('body script, iframe, object, embed, base, style,' +
  'body meta, body link, img:not(.avatar > img), video, audio, marquee, math, template,' +
  '[onerror], [onload], [onclick], [onfocus], [onmouseover], [style*="url"], form[action]')]
  .map((one) => one.outerHTML)
  .concat([...document.links].map((one) => one.href).filter((href) => !/^https?:/.test(href)))`;

const pages = await setPages(t);

pages.test(
  'hostile names, titles, texts, metadata and emoji are shown as text',
  async (t, scene) => {
    const { open, visit, system } = scene;
    t.ok(PAYLOADS.length >= 50);
    const asha = await personOf(system, 'Asha');
    const hostile = await nameAll(system);
    await Promise.all(hostile.map((person, index) => attack(system, { person, asha, index })));
    const group = await groupOf(system, asha, hostile.slice(0, 7));
    for (const [index, text] of PAYLOADS.entries()) {
      const person = hostile[index % 7] as Person;
      await say(system, group, { person, text, type: TYPES[index % TYPES.length] as string });
    }

    const welcome = await visit();
    const names = await gather(welcome, '.person-name', 'main');
    t.same(missing(names), [], 'names stand under "who are you?"');
    t.same(await welcome.evaluate(STRANGE), []);

    const page = await open('Asha');
    const rows = await gather(page, '.row-name', '.list-scroll');
    t.same(missing(rows), [], 'names and titles stand in the list');
    await openChat(page, 'All of them');
    const texts = await gather(page, '.bubble-text', '.log');
    t.same(missing(texts), [], 'texts stand in the log');
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByRole('dialog').waitFor();
    t.same(await page.evaluate(STRANGE), []);
    t.match(page.url(), system.stack.urls.edges[0], 'nothing has led the page elsewhere');
  },
);

async function groupOf(system: System, asha: Person, others: Person[]): Promise<string> {
  const ids = others.map(({ id }) => id);
  const body = { type: 'group', participant_ids: ids, title: 'All of them' };
  const answer = await system.rest('POST', '/api/v1/conversations', { token: asha.token, body });
  return String(answer.body.conversation_id);
}

/** Resolves with a person for each payload, who has it as their name. */
async function nameAll(system: System): Promise<Person[]> {
  const people = await system.people(PAYLOADS.length);
  const users = people.map(({ id }, index) => ({
    ...{ id, name: PAYLOADS[index], avatar_url: PAYLOADS[index], user_type: 'customer' },
  }));
  const body = JSON.stringify({ users });
  await fetch(`${system.stack.urls.kaha}/_dev/users`, { method: 'POST', body });
  return people;
}

type Attack = { person: Person; asha: Person; index: number };

/** Begins a conversation and a group, and tries to react with what is no emoji. */
async function attack(system: System, { person, asha, index }: Attack): Promise<void> {
  const payload = PAYLOADS[index] as string;
  const { token } = person;
  const direct = await system.conversation([person, asha]);
  const messageId = await say(system, direct, { person, text: payload, type: 'text' });
  const body = { type: 'group', participant_ids: [asha.id], title: payload, description: payload };
  await system.rest('POST', '/api/v1/conversations', { token, body });
  const path = `/api/v1/messages/${messageId}/reactions/${encodeURIComponent(payload)}`;
  const { status } = await system.rest('PUT', path, { token });
  if (status < 400) throw new Error(`${payload} was taken for an emoji`);
}

type Said = { person: Person; text: string; type: string };

async function say(system: System, id: string, { person, text, type }: Said): Promise<string> {
  const metadata = { name: text, url: text, mime: text, size: text, event: text };
  const body = { client_msg_id: newId<string>(), content: text, message_type: type, metadata };
  return until('the message is taken', async () => {
    const path = `/api/v1/conversations/${id}/messages`;
    const answer = await system.rest('POST', path, { token: person.token, body });
    return answer.status < 300 && String(answer.body.message_id);
  });
}

/** Scrolls through a list, up or down, until nothing new is shown, and returns all texts of it. */
async function gather(page: Page, item: string, scroller: string): Promise<Set<string>> {
  const found = new Set<string>();
  const scroll = (px: number): Promise<void> =>
    page
      .locator(scroller)
      .first()
      .evaluate((one, by) => one.scrollBy(0, by), px);
  await page.locator(item).first().waitFor();
  await until('all is shown', async () => {
    for (const text of await page.locator(item).allTextContents()) found.add(squeezed(text));
    await scroll(scroller === '.log' ? -300 : 300);
    return missing(found).length === 0;
  }).catch((error: unknown) => error);
  return found;
}

function missing(found: ReadonlySet<string>): string[] {
  return PAYLOADS.filter((payload) => !found.has(squeezed(payload)));
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

pages.test('axe finds nothing serious, light and dark, wide and narrow', async (t, scene) => {
  const { open, visit, system } = scene;
  const [chandra, deepa] = [await personOf(system, 'Chandra'), await personOf(system, 'Deepa')];
  const id = await system.conversation([chandra, deepa]);
  await say(system, id, { person: deepa, text: 'Look: https://example.com', type: 'text' });
  const body = { type: 'business', business_id: businessIdOf('Himal Books') };
  const { token } = chandra;
  const business = await system.rest('POST', '/api/v1/conversations', { token, body });
  const businessId = String(business.body.conversation_id);
  await say(system, businessId, { person: chandra, text: 'Are you there?', type: 'text' });
  for (const isDark of [false, true]) {
    const look = { isDark, isPhone: isDark };
    await judge(t, await visit(look), `welcome ${isDark}`);
    const page = await open('Chandra', look);
    await page.getByRole('link', { name: /Deepa/ }).waitFor();
    await judge(t, page, `list ${isDark}`);
    await openChat(page, 'Deepa');
    await judge(t, page, `conversation ${isDark}`);
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByRole('dialog').waitFor();
    await judge(t, page, `details ${isDark}`);
    const agent = await open('Ishwor', look);
    await agent
      .getByRole('navigation')
      .getByRole('link', { name: /^Himal Books/ })
      .click();
    await agent.getByRole('link', { name: /^Chandra/ }).waitFor();
    await judge(t, agent, `inbox ${isDark}`);
    await openChat(agent, 'Chandra');
    await judge(t, agent, `inbox and conversation ${isDark}`);
  }
});

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RUN_AXE = `axe.run().then(({ violations }) => violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).slice(0, 3).join(' | ')))`;

async function judge(t: Pick<Test, 'same'>, page: Page, what: string): Promise<void> {
  await page.evaluate(AXE);
  t.same(await page.evaluate(RUN_AXE), [], what);
}

pages.test('the first load is small', async (t, { visit, system }) => {
  const page = await visit();
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
  const sizes = (await page.evaluate(`performance.getEntriesByType('resource')
    .concat(performance.getEntriesByType('navigation'))
    .map(({ name, encodedBodySize: size }) => ({ name, size }))`)) as Size[];
  const own = sizes.filter(({ name }) => name.startsWith(system.stack.urls.edges[0] as string));
  const bytes = own.reduce((sum, { size }) => sum + size, 0);
  t.comment(`${bytes} bytes: ${JSON.stringify(own)}`);
  t.ok(own.length >= 3 && bytes > 10_000, 'all that is loaded counts');
  t.ok(bytes <= FIRST_LOAD_BYTES_MAX, `${bytes} bytes are at most ${FIRST_LOAD_BYTES_MAX}`);
});

type Size = { name: string; size: number };

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Test } from 'tap';
import { build } from '../../dev/build.ts';
import { businessSetUps } from '../../dev/kaha/people.ts';
import { registerBusinesses } from '../../dev/kaha/register-businesses.ts';
import { type System, setStack } from '../stage/stack.ts';
import { setBrowser, WITHOUT_BROWSER } from './browser.ts';
import { openChat } from './chat-page.ts';
import { type Look, signIn, sit } from './set-pages.ts';
import { tellStory } from './tell-story.ts';

/**
 * Makes the pictures of the page that the documents show, with what people of the stand-in say:
 * `npm run pictures`. It starts a system and a browser of its own, and ends both.
 */
const FOLDER = join('docs', 'pictures');
const TRIP = 'Weekend in Pokhara';

/** The story took a moment. The pictures show conversations as if it had taken some days. */
const AS_OVER_DAYS = `with ranked as (
    select conversation_id, row_number() over (order by last_activity desc) as place
    from conversations)
  update conversations c
  set last_activity = last_activity - interval '7 minutes' * place * place * place,
    waiting_since = waiting_since - interval '4 minutes' * place
  from ranked r where r.conversation_id = c.conversation_id`;

const closers: (() => unknown)[] = [];
const stage: Pick<Test, 'teardown' | 'setTimeout'> = {
  teardown: (close) => void closers.unshift(close),
  setTimeout: () => undefined,
};

try {
  await takeAll();
} finally {
  for (const close of closers) await close();
}
process.exit();

async function takeAll(): Promise<void> {
  await build();
  const browser = await setBrowser(stage);
  if (browser === undefined) throw new Error(WITHOUT_BROWSER);
  const system = await setStack(stage, { edges: 2, routers: 1, stores: 1 });
  const [edgeUrl] = system.stack.urls.edges as [string];
  const { serviceToken } = system.stack;
  await registerBusinesses(businessSetUps(), { edgeUrl, serviceToken });
  await tellStory(system);
  await system.sql(AS_OVER_DAYS);
  mkdirSync(FOLDER, { recursive: true });
  const open = (name: string, look: Look = {}) => openAs({ system, browser }, name, look);

  const asha = await open('Asha');
  await asha.getByRole('link', { name: /Hari/ }).waitFor();
  const others = [await open('Bikram'), await open('Chandra'), await open('Gita')];
  await asha.getByRole('img', { name: 'online' }).first().waitFor();
  await take(asha, 'list');
  await openChat(asha, TRIP);
  await openChat(others[1] as Page, TRIP);
  await (others[1] as Page).getByRole('textbox', { name: 'Message' }).pressSequentially('And');
  await asha
    .getByRole('main')
    .getByText(/is typing/)
    .waitFor();
  await take(asha, 'conversation');

  const ishwor = await open('Ishwor');
  await ishwor.getByRole('link', { name: /^Himal Books/ }).click();
  await openChat(ishwor, 'Eli');
  await ishwor.getByText('It would be five books').last().waitFor();
  await take(ishwor, 'inbox');

  const night = await open('Bikram', { isDark: true });
  await openChat(night, TRIP);
  await night.getByRole('article').last().waitFor();
  await take(night, 'dark');
  const phone = await open('Asha', { isPhone: true });
  await openChat(phone, TRIP);
  await phone.getByRole('article').last().waitFor();
  await take(phone, 'phone');
}

type Set = { system: System; browser: Browser };

async function openAs({ system, browser }: Set, name: string, look: Look): Promise<Page> {
  const { page } = await sit(browser, { ...look, name });
  await page.goto(`${system.stack.urls.edges[0]}/`);
  await signIn(page, name);
  await page.getByText('Connected', { exact: true }).waitFor();
  return page;
}

async function take(page: Page, name: string): Promise<void> {
  await page.evaluate('document.activeElement?.blur()');
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  process.stdout.write(`${FOLDER}/${name}.png\n`);
}

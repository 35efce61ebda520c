import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Test } from 'tap';
import { businessSetUps } from '../../dev/kaha/people.ts';
import { registerBusinesses } from '../../dev/kaha/register-businesses.ts';
import { type System, setStack } from '../stage/stack.ts';
import { setBrowser, WITHOUT_BROWSER } from './browser.ts';
import { watchFaults } from './watch-faults.ts';

export type Look = {
  /** The page is opened at this address instead of the first edge's. */
  url?: string;
  isPhone?: boolean;
  isDark?: boolean;
};

type Scene = {
  system: System;
  browser: Browser;
  /** Opens the page in a browser of its own, and signs in as a person of the stand-in. */
  open(name: string, look?: Look): Promise<Page>;
  /** Opens the page in a browser of its own, which stays at "who are you?". */
  visit(look?: Look): Promise<Page>;
};

type Body = (t: Test, scene: Scene) => Promise<void>;
type Pages = { test(name: string, body: Body): void };
type Seat = { context: BrowserContext; page: Page; faults: string[]; name: string };

const WAIT_MS = 15_000;
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
/** This folder keeps pictures of the pages of failed tests. */
const PICTURES = join('.run', 'pictures');

/**
 * Starts a system with the businesses of the stand-in, and one browser, for all tests of a file. A
 * test fails if a page writes an error, opens a dialog or breaks its security policy. Without
 * Chromium the tests are skipped.
 */
export async function setPages(t: Test): Promise<Pages> {
  const browser = await setBrowser(t);
  if (browser === undefined) {
    return { test: (name) => void t.test(name, { skip: WITHOUT_BROWSER }, async () => {}) };
  }
  const system = await setStack(t, { edges: 2, routers: 1, stores: 1 });
  const [edgeUrl] = system.stack.urls.edges as [string];
  const { serviceToken } = system.stack;
  await registerBusinesses(businessSetUps(), { edgeUrl, serviceToken });
  return {
    test: (name, body) => void t.test(name, (t) => play(t, { system, browser, body })),
  };
}

type Play = { system: System; browser: Browser; body: Body };

async function play(t: Test, { system, browser, body }: Play): Promise<void> {
  const seats: Seat[] = [];
  const visit = async (look: Look, name: string): Promise<Page> => {
    const seat = await sit(browser, { ...look, name });
    seats.push(seat);
    await seat.page.goto(look.url ?? `${system.stack.urls.edges[0]}/`);
    return seat.page;
  };
  const scene: Scene = {
    ...{ system, browser },
    visit: (look = {}) => visit(look, 'somebody'),
    async open(name, look = {}) {
      const page = await visit(look, name);
      await signIn(page, name);
      return page;
    },
  };
  try {
    await body(t, scene);
  } catch (error) {
    for (const seat of seats) await takePicture(t, seat);
    throw error;
  } finally {
    for (const { name, faults } of seats) t.same(faults, [], `the page of ${name} has no fault`);
    await Promise.all(seats.map(({ context }) => context.close()));
  }
}

/** Chooses a person under "who are you?". */
export async function signIn(page: Page, name: string): Promise<void> {
  const start = name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  await page.getByRole('button', { name: new RegExp(`^${start}(?:\\s|$)`) }).click();
  await page.getByRole('complementary', { name: 'Conversations' }).waitFor();
}

/** Gives somebody a browser of their own, with an empty page. */
export async function sit(browser: Browser, look: Look & { name: string }): Promise<Seat> {
  const { isPhone = false, isDark = false, name } = look;
  const context = await browser.newContext({
    ...{ viewport: isPhone ? PHONE : DESK, hasTouch: isPhone, deviceScaleFactor: isPhone ? 2 : 1 },
    ...{ colorScheme: isDark ? 'dark' : 'light', locale: 'en-GB', reducedMotion: 'reduce' },
  });
  context.setDefaultTimeout(WAIT_MS);
  const faults = await watchFaults(context);
  return { context, page: await context.newPage(), faults, name };
}

async function takePicture(t: Test, { page, name }: Seat): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  const words = `${t.name} ${name}`.replace(/[^\w]+/g, '-').slice(0, 100);
  const path = join(PICTURES, `${words}.png`);
  // A page that does not even show itself has nothing to tell.
  await page.screenshot({ path, timeout: WAIT_MS }).catch((error: unknown) => error);
  t.comment(`the page of ${name}: ${path}`);
}

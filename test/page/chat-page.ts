import type { Locator, Page } from 'playwright-core';
import { until } from '../../dev/testing/until.ts';

/** Opens a conversation of the list, or of an inbox, by the name that its row begins with. */
export async function openChat(page: Page, name: string): Promise<void> {
  await rowOf(page, name).click();
  await page.getByRole('log').waitFor();
}

/** A row begins with the presence of the other person, where it is known. */
export function rowOf(page: Page, name: string): Locator {
  const row = new RegExp(`^(?:(?:online|offline) )?${name}`);
  return page.getByRole('complementary').getByRole('link', { name: row });
}

export async function write(page: Page, text: string): Promise<void> {
  const field = page.getByRole('textbox', { name: 'Message', exact: true });
  await field.fill(text);
  await field.press('Enter');
}

/** Finds the message with this text, whoever wrote it. */
export function messageOf(page: Page, text: string): Locator {
  return page.getByRole('log').getByRole('article', { name: `: ${text},` });
}

/** Waits until one's own message has this mark, as `Read`. */
export async function untilMarked(page: Page, text: string, mark: string): Promise<void> {
  await messageOf(page, text).getByRole('img', { name: mark, exact: true }).waitFor();
}

/** Switches the network of the page off, or on again. */
export async function setOffline(page: Page, isOffline: boolean): Promise<void> {
  const toggle = page.getByRole('switch', { name: 'Offline' });
  if ((await toggle.getAttribute('aria-checked')) !== String(isOffline)) await toggle.click();
}

/** Returns who wrote what, from the oldest message that is shown to the newest. */
export async function shownBy(page: Page, owner: string): Promise<string[]> {
  const labels: (string | null)[] = await page
    .getByRole('log')
    .getByRole('article')
    .evaluateAll((articles) => articles.map((one) => one.getAttribute('aria-label')));
  return labels.map((label) => {
    const [, sender, text] = /^(.*?): (.*), \d\d:\d\d(?:, [\w ]+)?$/s.exec(label ?? '') ?? [];
    return sender === undefined ? `${label}` : `${sender === 'You' ? owner : sender}: ${text}`;
  });
}

/** Resolves with what both show once it is the same and nothing waits to be sent. */
export async function untilSame(
  pages: Record<string, Page>,
  isAll: (shown: readonly string[]) => boolean,
): Promise<string[]> {
  return until('all pages show the same', async () => {
    const shown = await Promise.all(
      Object.entries(pages).map(async ([owner, page]) => ({
        texts: await shownBy(page, owner),
        waiting: await page.getByRole('img', { name: 'Waiting to be sent' }).count(),
      })),
    );
    const [first] = shown;
    const isSame = shown.every(
      ({ texts, waiting }) => waiting === 0 && texts.join('\n') === first?.texts.join('\n'),
    );
    return isSame && first && isAll(first.texts) && first.texts;
  });
}

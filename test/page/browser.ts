import { type Browser, chromium } from 'playwright-core';
import type { Test } from 'tap';
import { findChromium } from '../../dev/programs/chromium.ts';

export const WITHOUT_BROWSER = 'there is no Chromium on this machine';

/**
 * Starts Chromium without a window for one test file, or returns undefined where there is none. It
 * ends with the file, and with this process. Chromium's own sandbox needs another user than root,
 * and containers have little shared memory.
 */
export async function setBrowser(t: Pick<Test, 'teardown'>): Promise<Browser | undefined> {
  const executablePath = findChromium();
  if (executablePath === undefined) return undefined;
  const browser = await chromium.launch({
    executablePath,
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-dev-shm-usage', '--force-color-profile=srgb'],
  });
  t.teardown(() => browser.close());
  return browser;
}

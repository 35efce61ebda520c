import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Test } from 'tap';
import { until } from '../../dev/testing/until.ts';
import type { Person } from '../stage/stack.ts';

const READ_KEYS = `new Promise((resolve, reject) => {
  const opening = indexedDB.open('kaha-chat');
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const database = opening.result;
    const asked = database.transaction('entries').objectStore('entries').getAllKeys();
    asked.onsuccess = () => {
      database.close();
      resolve(asked.result.map(String));
    };
  };
})`;

type Open = { isStrict?: boolean; userId?: string };

/** Builds the script of the tabs, which has the client of `clients/js` in it. */
export async function buildTabScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['test/chatters/tab-script.ts'],
    ...{ bundle: true, write: false, format: 'iife', target: 'es2022' },
    define: { 'process.env.NODE_ENV': '"development"' },
  });
  return outputFiles[0]?.text ?? '';
}

/** A browser profile, whose tabs share storage, locks and channels. */
export class Profile {
  readonly #context: BrowserContext;
  readonly #url: string;

  private constructor(context: BrowserContext, url: string) {
    this.#context = context;
    this.#url = url;
  }

  /** Tabs show a page with this script under the address, whether its server is there or not. */
  static async open(
    t: Pick<Test, 'teardown'>,
    browser: Browser,
    { url, script }: { url: string; script: string },
  ): Promise<Profile> {
    const context = await browser.newContext();
    t.teardown(() => context.close());
    // Chromium takes a page that the test serves for one of the internet.
    await context.grantPermissions(['local-network-access']);
    await context.route(`${url}/tab`, (route) => {
      const body = `<!doctype html><title>tab</title><body></body><script>${script}</script>`;
      return route.fulfill({ contentType: 'text/html; charset=utf-8', body });
    });
    return new Profile(context, url);
  }

  /** Runs this in each tab that opens from now on, before anything else. */
  async prepare(script: string): Promise<void> {
    await this.#context.addInitScript({ content: script });
  }

  /** The disk has no room left for what the tabs store. */
  async fillDisk(): Promise<void> {
    const session = await this.#context.newCDPSession(await this.#context.newPage());
    await session.send('Storage.overrideQuotaForOrigin', { origin: this.#url, quotaSize: 1 });
  }

  async tab({ token }: Person, options: Open = {}): Promise<ChatTab> {
    const tab = new ChatTab(await this.#context.newPage(), `${this.#url}/tab`, {
      token,
      ...options,
    });
    await tab.load();
    return tab;
  }
}

/** A tab in which somebody chats. */
export class ChatTab {
  readonly page: Page;
  /** The tab itself has opened so many sockets. */
  sockets = 0;
  readonly #url: string;
  readonly #options: Open & { token: string };

  constructor(page: Page, url: string, options: Open & { token: string }) {
    this.page = page;
    this.#url = url;
    this.#options = options;
    page.on('websocket', () => {
      this.sockets += 1;
    });
  }

  /** Loads the page, again if it has been loaded before. */
  async load(): Promise<void> {
    await this.page.goto(this.#url);
    await this.page.evaluate((options) => start(options), this.#options);
  }

  /** Resolves once the client in the tab has this status. */
  async is(status: string): Promise<void> {
    await until(status, async () => (await this.page.evaluate(() => tab.status())) === status);
  }

  async send(conversationId: string, content: string): Promise<void> {
    await this.page.evaluate(([id, text]) => tab.send(id, text), [
      conversationId,
      content,
    ] as const);
  }

  told(): Promise<string[]> {
    return this.page.evaluate(() => tab.told);
  }

  unsent(): Promise<string[]> {
    return this.page.evaluate(() => tab.unsent());
  }

  degraded(): Promise<string[]> {
    return this.page.evaluate(() => tab.degraded);
  }

  /** Resolves with the statuses of the client, in their order. */
  statuses(): Promise<string[]> {
    return this.page.evaluate(() => tab.states.map(({ status }) => status));
  }

  /** The time at which the client was connected last. */
  connectedAt(): Promise<number> {
    return this.page.evaluate(
      () => tab.states.findLast(({ status }) => status === 'connected')?.at ?? 0,
    );
  }

  /** Resolves with the keys of the database that contain this. */
  async stored(part: string): Promise<string[]> {
    return (await this.page.evaluate<string[]>(READ_KEYS)).filter((key) => key.includes(part));
  }

  /** Resolves once the tab was told of this many messages, and then with them. */
  async hears(count: number): Promise<string[]> {
    await until(`${count} messages`, async () => (await this.told()).length >= count);
    return this.told();
  }

  /** Kills the process of the tab, as a browser does that lacks memory. */
  async kill(): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    const crashed = this.page.waitForEvent('crash');
    // The command has no answer, because who would give it is dead.
    session.send('Page.crash').catch((error: unknown) => error);
    await crashed;
    await this.page.close();
  }
}

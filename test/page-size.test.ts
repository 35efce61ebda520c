import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import { openChat } from './page/chat-page.ts';
import { longTasks } from './page/long-tasks.ts';
import { personOf } from './page/named.ts';
import { setPages } from './page/set-pages.ts';
import type { System } from './stage/stack.ts';
import { append, connectAsRouter, itemOf } from './stage/store-bus.ts';

const MESSAGES = isSoak ? 10_000 : 1_000;
const CONVERSATIONS = isSoak ? 1_000 : 300;
const AT_ONCE = 20;
const TASK_MS_MAX = 50;
const WHEEL_PX = 1_500;
const SCROLL_MS = 120_000;

const pages = await setPages(t);

pages.test(`${MESSAGES} messages scroll without a long task`, async (t, scene) => {
  const { open, system, browser } = scene;
  const [asha, bikram] = [await personOf(system, 'Asha'), await personOf(system, 'Bikram')];
  const id = await system.conversation([asha, bikram]);
  await fill(system, id, bikram.id);
  const page = await open('Asha');
  await openChat(page, 'Bikram');
  const shown = (text: string): Promise<number> => page.getByText(text, { exact: true }).count();
  await page.getByText(`message ${MESSAGES}`, { exact: true }).first().waitFor();
  await page.getByRole('log').hover();
  const tasks = await longTasks(browser, page, async () => {
    const up = async (): Promise<boolean> => {
      await page.mouse.wheel(0, -WHEEL_PX);
      return (await shown('message 1')) > 0;
    };
    await until('the oldest message is shown', up, SCROLL_MS);
    await page.getByRole('button', { name: /^Go to/ }).click();
    await until('the newest is shown', async () => (await shown(`message ${MESSAGES}`)) > 0);
  });
  t.comment(`${tasks.length} tasks, the longest: ${tasks.slice(0, 5).join(', ')} ms`);
  t.ok(tasks.length > 100, 'the trace has tasks');
  t.ok((tasks[0] ?? 0) <= TASK_MS_MAX, `no task is longer than ${TASK_MS_MAX} ms`);
});

/** Writes the messages without telling anybody of them. */
async function fill(system: System, id: string, userId: string): Promise<void> {
  const bus = await connectAsRouter(system);
  try {
    for (let seq = 1; seq <= MESSAGES; seq += AT_ONCE) {
      const items = Array.from({ length: AT_ONCE }, (_, index) =>
        itemOf(userId, newId<string>(), `message ${seq + index}`),
      );
      await append(bus, id, items);
      await system.sql('delete from outbox');
    }
  } finally {
    await bus.close();
  }
}

pages.test(`${CONVERSATIONS} conversations stand in the list`, async (t, scene) => {
  const { open, system, browser } = scene;
  const asha = await personOf(system, 'Chandra');
  const others = await system.people(CONVERSATIONS);
  for (let first = 0; first < CONVERSATIONS; first += AT_ONCE) {
    const some = others.slice(first, first + AT_ONCE);
    await Promise.all(some.map((other) => system.conversation([other, asha])));
  }
  const page = await open('Chandra');
  const rows = page.getByRole('complementary').getByRole('link');
  await rows.first().waitFor();
  await rows.first().hover();
  const found = new Set<string>();
  const tasks = await longTasks(browser, page, async () => {
    const down = async (): Promise<boolean> => {
      const addresses = await rows.evaluateAll((all) => all.map((one) => one.getAttribute('href')));
      for (const address of addresses) found.add(String(address));
      // A page that a busy machine brings too late is asked for again, as a person would do it.
      const again = page.getByRole('alert').getByRole('button', { name: 'Try again' });
      if (await again.isVisible()) await again.click();
      await page.mouse.wheel(0, WHEEL_PX);
      return found.size >= CONVERSATIONS;
    };
    await until('all are in the list', down, SCROLL_MS).catch((error: unknown) => error);
  });
  t.comment(`${tasks.length} tasks, the longest: ${tasks.slice(0, 5).join(', ')} ms`);
  t.equal(found.size, CONVERSATIONS);
});

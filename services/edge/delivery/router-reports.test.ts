import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, newId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createEdgeMetrics } from '../edge-metrics.ts';
import { RouterTable } from '../routers/router-table.ts';
import { RouterReports } from './router-reports.ts';

type Item = [ConversationId, string, number];

/** Makes reports whose router answers by `answer`; `sent` lists the reports, the oldest first. */
function reportsWith({ heldMax = 10_000, routers = ['r1'] } = {}) {
  const sent: { subject: string; items: Item[] }[] = [];
  const script = { answer: (): Promise<unknown> => Promise.resolve() };
  const request = (subject: string, body: unknown): Promise<never> => {
    sent.push({ subject, items: (body as { items: Item[] }).items });
    return script.answer() as Promise<never>;
  };
  const table = new RouterTable();
  for (const router of routers) table.heard(router, 0);
  const bus = {
    request,
    isUp: true,
    looks: 0,
    get connected(): boolean {
      this.looks += 1;
      return this.isUp;
    },
  };
  const metrics = createMetrics('test', 'edge-1');
  const reports = new RouterReports<Item>(
    { bus, table, metrics: createEdgeMetrics(metrics) },
    {
      what: 'test',
      coalesceMs: 80,
      heldMax,
      keyOf: ([conversationId, who]) => `${conversationId}.${who}`,
      isNewer: ([, , seq], [, , heldSeq]) => seq > heldSeq,
      send: (ask, instance, items) => ask(instance, { op: 'delivered', items: items as never }),
    },
  );
  const dropped = async (): Promise<number> => {
    const text = await metrics.registry.metrics();
    return Number(/^kaha_edge_reports_dropped_total\{.*\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  return { reports, table, bus, sent, script, dropped };
}

const items = (count: number): Item[] =>
  Array.from({ length: count }, (_, n) => [newId<ConversationId>(), `u${n}`, n]);

t.test('of items with one key only the newest is sent', async (t) => {
  const { reports, sent } = reportsWith();
  const conversationId = newId<ConversationId>();
  for (const seq of [1, 3, 2]) reports.add([conversationId, 'a', seq]);
  await reports.close();
  t.same(sent, [{ subject: 'rpc.router.r1', items: [[conversationId, 'a', 3]] }]);
});

t.test('each router gets its conversations, in reports of at most 1000 items', async (t) => {
  const { reports, table, sent } = reportsWith({ routers: ['r1', 'r2'] });
  for (const item of items(4_500)) reports.add(item);
  await reports.close();
  t.equal(sent.flatMap((report) => report.items).length, 4_500);
  for (const report of sent) {
    t.ok(report.items.length <= 1_000);
    t.ok(report.items.every(([key]) => `rpc.router.${table.first(key)}` === report.subject));
  }
});

t.test('items beyond the limit are dropped and counted, and a known key still rises', async (t) => {
  const { reports, table, sent, dropped } = reportsWith({ heldMax: 2, routers: [] });
  const [one, two, three] = items(3) as [Item, Item, Item];
  for (const item of [one, two, three, three]) reports.add(item);
  reports.add([one[0], one[1], 9]);
  t.equal(await dropped(), 2);
  table.heard('r1', 0);
  await reports.close();
  t.same(sent.at(0)?.items, [[one[0], one[1], 9], two]);
});

t.test('items that are on their way take room', async (t) => {
  const { reports, sent, script, dropped } = reportsWith({ heldMax: 2 });
  let answer: (value?: unknown) => void = () => undefined;
  script.answer = () => new Promise((resolve) => (answer = resolve));
  for (const item of items(2)) reports.add(item);
  await until('they are sent', () => sent.length === 1);
  for (const item of items(1)) reports.add(item);
  t.equal(await dropped(), 1);
  answer();
  await reports.close();
  t.equal(sent.length, 1);
});

t.test('while NATS or every router is away, items wait', async (t) => {
  for (const missing of ['NATS', 'routers']) {
    const { reports, table, bus, sent } = reportsWith();
    if (missing === 'NATS') bus.isUp = false;
    else table.remove('r1');
    for (const item of items(3)) reports.add(item);
    const { looks } = bus;
    await until('a report was due twice', () => bus.looks >= looks + 2);
    t.equal(sent.length, 0, missing);
    bus.isUp = true;
    table.heard('r1', 0);
    await until('they are sent', () => sent.length === 1);
    t.equal(sent[0]?.items.length, 3);
    await reports.close();
  }
});

t.test('a report that failed goes to the router that is first then', async (t) => {
  const { reports, table, sent, script } = reportsWith();
  const gone = new KahaError('MESSAGING_UNAVAILABLE', 'Nobody answers', { noResponders: true });
  script.answer = () => Promise.reject(gone);
  const [item] = items(1) as [Item];
  reports.add(item);
  await until('it was sent', () => sent.length === 1);
  await until('the router is out of the table', () => table.instances.length === 0);
  script.answer = () => Promise.resolve();
  table.heard('r2', 0);
  await until('it is sent again', () => sent.length === 2);
  t.same(sent[1], { subject: 'rpc.router.r2', items: [item] });
  await reports.close();
  t.equal(sent.length, 2);
});

t.test('items that a router of an earlier version does not know are dropped', async (t) => {
  const { reports, sent, script, dropped } = reportsWith();
  script.answer = () => Promise.reject(new KahaError('INVALID_REQUEST', 'Unknown operation'));
  for (const item of items(3)) reports.add(item);
  await until('they are dropped', async () => (await dropped()) === 3);
  await reports.close();
  t.equal(sent.length, 1);
});

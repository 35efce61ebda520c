import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { OutboxMissed } from '../../../shared/contracts/outbox.ts';
import { type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { OutboxReports } from './outbox-reports.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });

type Request = { event_ids?: EventId[]; items?: OutboxMissed[] };
type Call = Request & { op: string };

/** Store answers each request on this stage as `answer` does. */
function stage(answer: (calls: number) => Promise<void> | void = () => undefined) {
  const metrics = createRouterMetrics(createMetrics('router', 'router-1'));
  const calls: Call[] = [];
  const store = (async (op: string, request: Request) => {
    calls.push({ op, ...request });
    await answer(calls.length);
    return {};
  }) as unknown as AskStore;
  const reports = new OutboxReports({ store, metrics, logger });
  const dropped = async () => (await metrics.reportsDropped.get()).values[0]?.value ?? 0;
  return { reports, calls, dropped };
}

function lackOf(users: number) {
  const missed = Array.from({ length: users }, () => newId<UserId>());
  return { event_id: newId<EventId>(), missed, is_fed: true };
}

t.test('a report is made once it has been held for a tick', async (t) => {
  const { reports, calls } = stage();
  const [done, lack] = [newId<EventId>(), lackOf(1)];
  const startedAt = performance.now();
  reports.done(done);
  reports.missed(lack);
  t.ok(reports.isFinished(done));
  t.notOk(reports.isFinished(lack.event_id), 'a repair may go on with this event');
  t.same(reports.settled(), [done], 'the other event is not with all its users');
  await until('store knows', () => reports.held === 0);
  t.ok(performance.now() - startedAt > 95);
  t.same(calls, [
    { op: 'outbox.done', event_ids: [done] },
    { op: 'outbox.missed', items: [lack] },
  ]);
  t.notOk(reports.isFinished(done));
  await reports.close();
});

t.test('a request has 500 reports and names 5000 users at most', async (t) => {
  const { reports, calls } = stage();
  for (let n = 0; n < 1_001; n += 1) reports.done(newId());
  for (let n = 0; n < 501; n += 1) reports.missed(lackOf(1));
  for (let n = 0; n < 3; n += 1) reports.missed(lackOf(4_000));
  await reports.close();
  t.same(
    calls.map(({ event_ids }) => event_ids?.length ?? 0).filter((length) => length > 0),
    [500, 500, 1],
  );
  t.same(
    calls.flatMap(({ items }) => items?.length ?? []),
    [500, 2, 1, 1],
  );
});

t.test('a lost connection drops the reports that are not on their way', async (t) => {
  const { reports, calls, dropped } = stage();
  reports.done(newId());
  reports.missed(lackOf(3));
  reports.forget();
  t.same([reports.held, reports.losses, await dropped()], [0, 1, 2]);
  const later = newId<EventId>();
  reports.done(later);
  await reports.close();
  t.same(calls, [{ op: 'outbox.done', event_ids: [later] }]);
});

t.test('a report is tried three times, and a finished event is known until then', async (t) => {
  const { reports, calls, dropped } = stage(() => {
    throw new Error('store is away');
  });
  const done = newId<EventId>();
  reports.done(done);
  await until('the second try', () => calls.length === 2);
  t.ok(reports.isFinished(done));
  await reports.close();
  t.same([calls.length, reports.held, await dropped()], [3, 0, 1]);
});

t.test('the last report of an event counts, and each is answered for itself', async (t) => {
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const { reports, calls } = stage((count) => (count === 1 ? undefined : answered));
  const lack = lackOf(2);
  reports.missed(lack);
  reports.done(lack.event_id);
  t.equal(reports.held, 2);
  await until('store knows one', () => reports.held === 1);
  t.same(calls.length, 2);
  const isFirstDone = calls[0]?.op === 'outbox.done';
  t.equal(reports.isFinished(lack.event_id), !isFirstDone);
  answer();
  await reports.close();
  t.same([reports.held, reports.settled()], [0, []]);
});

t.test('50 000 reports and 200 000 users may wait', async (t) => {
  const { reports, calls, dropped } = stage();
  for (let n = 0; n < 40; n += 1) reports.missed(lackOf(5_000));
  reports.missed(lackOf(1));
  t.same([reports.held, await dropped()], [40, 1]);
  for (let n = 0; n < 49_960; n += 1) reports.done(newId());
  reports.done(newId());
  t.same([reports.held, await dropped()], [50_000, 2]);
  await reports.close();
  t.equal(
    calls.flatMap(({ items = [], event_ids = [] }) => [...items, ...event_ids]).length,
    50_000,
  );
  reports.missed(lackOf(5_000));
  t.equal(reports.held, 1, 'the room is free again');
});

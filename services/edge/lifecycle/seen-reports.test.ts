import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { DeviceSeen } from '../../../shared/contracts/store-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createEdgeMetrics } from '../edge-metrics.ts';
import { HELD_MAX, SeenReports } from './seen-reports.ts';

const ISSUED_AT = 1_800_000_000_000;

/** Makes reports whose store answers by `answer`; `sent` lists what it was told, oldest first. */
function reportsWith() {
  const sent: DeviceSeen[][] = [];
  const script = { answer: (): Promise<unknown> => Promise.resolve(), inFlight: 0, inFlightMax: 0 };
  const store = async (_op: string, body: unknown): Promise<unknown> => {
    sent.push((body as { items: DeviceSeen[] }).items);
    script.inFlight += 1;
    script.inFlightMax = Math.max(script.inFlightMax, script.inFlight);
    try {
      return await script.answer();
    } finally {
      script.inFlight -= 1;
    }
  };
  const metrics = createMetrics('test', 'edge-1');
  const reports = new SeenReports({
    store: store as unknown as AskStore,
    metrics: createEdgeMetrics(metrics),
  });
  const dropped = async (): Promise<number> => {
    const text = await metrics.registry.metrics();
    const line = /^kaha_edge_reports_dropped_total\{what="devices_seen".*\} (\d+)$/m;
    return Number(line.exec(text)?.[1] ?? 0);
  };
  const tell = (userId: UserId, deviceId: string, seenAtMs: number): void =>
    reports.tell({ userId, deviceId, seenAtMs, issuedAt: ISSUED_AT });
  return { reports, tell, sent, script, dropped };
}

const users = (count: number): UserId[] => Array.from({ length: count }, () => newId<UserId>());
const away = () => Promise.reject(new KahaError('DATABASE_UNAVAILABLE', 'No store is available'));

t.test('a device that was signed out while store was away is not told of later', async (t) => {
  const { reports, tell, sent, script } = reportsWith();
  const [ann, bob] = users(2) as [UserId, UserId];
  script.answer = away;
  tell(ann, 'phone', steadyMs());
  tell(bob, 'phone', steadyMs());
  await until('store is asked', () => sent.length > 0 && script.inFlight === 0);
  await until('both are held again', () => reports.waiting === 2);
  reports.forget(ann, 'phone');
  reports.forget(ann, 'unknown');
  script.answer = () => Promise.resolve();
  await reports.close();
  t.match(sent.at(-1), [[bob, 'phone', Number, ISSUED_AT]]);
});

t.test('10 000 devices that leave at once are ten reports, one after another', async (t) => {
  const { reports, tell, sent, script } = reportsWith();
  const seenAtMs = performance.now();
  for (const userId of users(10_000)) tell(userId, 'phone', seenAtMs);
  t.equal(sent.length, 0, 'nobody waits for a report');
  await until('all are told', () => reports.waiting === 0 && script.inFlight === 0);
  t.same(
    sent.map((items) => items.length),
    Array(10).fill(1_000),
  );
  t.equal(script.inFlightMax, 1);
  await reports.close();
});

t.test('of one device the last time alone is told, as an age', async (t) => {
  const { reports, tell, sent } = reportsWith();
  const [ann] = users(1) as [UserId];
  const nowMs = performance.now();
  for (const agoMs of [60_000, 5_000, 30_000]) tell(ann, 'phone', nowMs - agoMs);
  tell(ann, 'tablet', nowMs - 90_000);
  await reports.close();
  const [[, , phone], [, , tablet]] = sent.flat() as [DeviceSeen, DeviceSeen];
  t.ok(phone >= 5_000 && phone < 6_000, `${phone}`);
  t.ok(tablet >= 90_000 && tablet < 91_000, `${tablet}`);
});

t.test('of one device the newest token is told, whichever session ended last', async (t) => {
  const { reports, sent } = reportsWith();
  const [ann] = users(1) as [UserId];
  const seen = { userId: ann, deviceId: 'phone', seenAtMs: steadyMs() };
  for (const later of [0, 60_000, 30_000]) {
    reports.tell({ ...seen, issuedAt: ISSUED_AT + later });
  }
  await reports.close();
  t.match(sent, [[[ann, 'phone', Number, ISSUED_AT + 60_000]]]);
});

t.test('the clock of the host plays no part', async (t) => {
  const { reports, tell, sent } = reportsWith();
  const { now } = Date;
  t.teardown(() => {
    Date.now = now;
  });
  Date.now = () => now() - 30 * 86_400_000;
  tell(users(1)[0] as UserId, 'phone', performance.now());
  Date.now = () => now() + 30 * 86_400_000;
  await reports.close();
  const [[, , agoMs]] = sent.flat() as [DeviceSeen];
  t.ok(agoMs >= 0 && agoMs < 1_000, `${agoMs}`);
});

t.test('what store did not take is told again, with its age by then', async (t) => {
  const { reports, tell, sent, script, dropped } = reportsWith();
  const [ann, bob] = users(2) as [UserId, UserId];
  script.answer = away;
  tell(ann, 'phone', performance.now());
  await until('store refused', () => sent.length >= 1);
  tell(bob, 'phone', performance.now());
  await until('store refused again', () => sent.length >= 2);
  t.equal(reports.waiting, 2);
  script.answer = () => Promise.resolve();
  await until('all are told', () => reports.waiting === 0);
  const last = sent.at(-1) as DeviceSeen[];
  t.same(new Set(last.map(([userId]) => userId)), new Set([ann, bob]));
  const ageOfAnn = last.find(([userId]) => userId === ann)?.[2] ?? 0;
  t.ok(ageOfAnn >= 400, `${ageOfAnn} ms`);
  t.equal(await dropped(), 0);
  await reports.close();
});

t.test('a device that is seen while its report is refused keeps the later time', async (t) => {
  const { reports, tell, sent, script } = reportsWith();
  const [ann] = users(1) as [UserId];
  let refuse: (error: Error) => void = () => undefined;
  script.answer = () => new Promise((_, reject) => (refuse = reject));
  tell(ann, 'phone', performance.now() - 3_600_000);
  await until('store is asked', () => sent.length === 1);
  tell(ann, 'phone', performance.now());
  script.answer = () => Promise.resolve();
  refuse(new KahaError('TIMEOUT', 'No answer'));
  await until('all are told', () => reports.waiting === 0);
  t.ok((sent.at(-1)?.[0]?.[2] ?? Number.POSITIVE_INFINITY) < 60_000);
  await reports.close();
});

t.test('devices beyond the bound are dropped and counted, and a known one rises', async (t) => {
  const { reports, tell, sent, script, dropped } = reportsWith();
  script.answer = away;
  const nowMs = performance.now();
  const all = users(HELD_MAX);
  for (const userId of all) tell(userId, 'phone', nowMs - 60_000);
  for (const userId of users(3)) tell(userId, 'phone', nowMs);
  tell(all[0] as UserId, 'phone', nowMs);
  t.equal(reports.waiting, HELD_MAX);
  t.equal(await dropped(), 3);
  script.answer = () => Promise.resolve();
  await reports.close();
  t.ok((sent[0]?.[0]?.[2] ?? 60_000) < 60_000, 'it has its later time');
  t.equal(sent.flat().length, HELD_MAX);
});

t.test('an edge that closes without store drops what is left at once, and counts it', async (t) => {
  const { reports, tell, sent, script, dropped } = reportsWith();
  script.answer = away;
  for (const userId of users(2_500)) tell(userId, 'phone', performance.now());
  await reports.close();
  t.equal(sent.length, 1, 'it asks once');
  t.equal(await dropped(), 2_500);
  t.equal(reports.waiting, 0);
});

t.test('a report that store refuses as invalid does not come again', async (t) => {
  const { reports, tell, sent, script, dropped } = reportsWith();
  script.answer = () => Promise.reject(new KahaError('INVALID_REQUEST', 'Not a list'));
  tell(users(1)[0] as UserId, 'phone', performance.now());
  await until('it is dropped', async () => (await dropped()) === 1);
  t.equal(sent.length, 1);
  await reports.close();
});

import t from 'tap';
import type { DeliveredItem, PositionBatch } from '../../../shared/contracts/positions.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { PositionReports } from './position-reports.ts';

const metrics = createRouterMetrics(createMetrics('test', 'test'));
const conversation = newId<ConversationId>();
const user = newId<UserId>();

function collect(failures = 0) {
  const batches: PositionBatch[] = [];
  let left = failures;
  const publish = async (batch: PositionBatch): Promise<void> => {
    left -= 1;
    if (left >= 0) throw new Error('not now');
    batches.push(batch);
  };
  return { batches, positionReports: new PositionReports({ publish, metrics }) };
}
const many = (count: number): DeliveredItem[] =>
  Array.from({ length: count }, () => [conversation, newId<UserId>(), 1, 1]);

t.test('only the highest position of a user in a conversation goes out', async (t) => {
  const { batches, positionReports } = collect();
  const reports = [3, 7, 5].map((seq) =>
    positionReports.delivered([[conversation, user, seq, seq * 10]]),
  );
  t.equal(positionReports.held, 1);
  await Promise.all(reports);
  t.same(batches, [{ items: [[conversation, user, 'delivered', 7, 70]] }]);
  t.equal(positionReports.held, 0);
});

t.test('a batch has 1000 items at most, and closing sends waiting positions', async (t) => {
  const { batches, positionReports } = collect();
  const reported = positionReports.delivered(many(2_500));
  await positionReports.close();
  await reported;
  t.same(
    batches.map((batch) => batch.items.length),
    [1_000, 1_000, 500],
  );
});

t.test('a report is rejected if the stream did not take it', async (t) => {
  const { batches, positionReports } = collect(1);
  await t.rejects(positionReports.delivered([[conversation, user, 3, 30]]), { message: 'not now' });
  t.equal(positionReports.held, 0);
  await positionReports.delivered([[conversation, user, 9, 90]]);
  t.same(batches, [{ items: [[conversation, user, 'delivered', 9, 90]] }]);
});

t.test('a report is refused if too many positions wait', async (t) => {
  const { positionReports } = collect();
  const reports = Array.from({ length: 100 }, () => positionReports.delivered(many(1_000)));
  await t.rejects(positionReports.delivered(many(1)), { code: 'MESSAGING_UNAVAILABLE' });
  await Promise.all(reports);
  await positionReports.delivered(many(1));
});

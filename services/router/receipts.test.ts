import t from 'tap';
import { type ConversationId, newId, type UserId } from '../../shared/ids.ts';
import { createMetrics } from '../../shared/metrics.ts';
import type { DeliveredItem, ReceiptBatch } from '../../shared/rpc.ts';
import { Receipts } from './receipts.ts';
import { createRouterMetrics } from './router-metrics.ts';
import { silent } from './router-stage.ts';

const metrics = createRouterMetrics(createMetrics('test', 'test'));
const conversation = newId<ConversationId>();
const user = newId<UserId>();

function collect(failures = 0) {
  const batches: ReceiptBatch[] = [];
  let left = failures;
  const publish = async (batch: ReceiptBatch): Promise<void> => {
    left -= 1;
    if (left >= 0) throw new Error('not now');
    batches.push(batch);
  };
  return { batches, receipts: new Receipts({ publish, metrics, logger: silent }) };
}

t.test('only the highest position of a user in a conversation goes out', async (t) => {
  const { batches, receipts } = collect();
  receipts.delivered([
    [conversation, user, 3, 30],
    [conversation, user, 7, 70],
    [conversation, user, 5, 50],
  ]);
  await receipts.close();
  t.same(batches, [{ items: [[conversation, user, 'delivered', 7, 70]] }]);
});

t.test('a batch has 1000 items at most', async (t) => {
  const { batches, receipts } = collect();
  const items = Array.from({ length: 2_500 }, (): DeliveredItem => {
    return [conversation, newId<UserId>(), 1, 1];
  });
  receipts.delivered(items);
  await receipts.close();
  t.same(
    batches.map((batch) => batch.items.length),
    [1_000, 1_000, 500],
  );
});

t.test('what the stream refused goes out again, never below what came meanwhile', async (t) => {
  const { batches, receipts } = collect(1);
  receipts.delivered([[conversation, user, 3, 30]]);
  await new Promise((resolve) => setTimeout(resolve, 150));
  receipts.delivered([[conversation, user, 9, 90]]);
  await receipts.close();
  t.same(batches, [{ items: [[conversation, user, 'delivered', 9, 90]] }]);
});

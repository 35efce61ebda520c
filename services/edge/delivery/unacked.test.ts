import t from 'tap';
import { UNACKED_MAX, type Unacked, UnackedQueue } from './unacked.ts';

function item(q: number): Unacked {
  return { q, ackSubject: `a${q}`, header: {} as never };
}

t.test('the queue gives all events up to a q, oldest first, and each once', async (t) => {
  const queue = new UnackedQueue();
  for (let q = 1; q <= 1_000; q += 1) queue.push(item(q));
  const taken: number[] = [];
  const take = ({ q }: Unacked): void => void taken.push(q);
  queue.takeUpTo(0, take);
  t.equal(queue.size, 1_000);
  queue.takeUpTo(600, take);
  queue.takeUpTo(300, take);
  queue.push(item(1_001));
  t.equal(queue.size, 401);
  queue.takeAll(take);
  t.equal(queue.size, 0);
  t.same(
    taken,
    Array.from({ length: 1_001 }, (_, index) => index + 1),
  );
  queue.takeAll(take);
  queue.push(item(1_002));
  t.equal(queue.size, 1);
});

t.test('the queue takes no more than its limit, and goes on once there is room', async (t) => {
  const queue = new UnackedQueue();
  for (let q = 1; q <= UNACKED_MAX; q += 1) queue.push(item(q));
  t.equal(queue.push(item(UNACKED_MAX + 1)), false);
  t.equal(queue.size, UNACKED_MAX);
  queue.takeUpTo(1, () => undefined);
  t.equal(queue.push(item(UNACKED_MAX + 2)), true);
});

import t from 'tap';
import { createClosers } from './closers.ts';
import { createLogger } from './logger.ts';

const silent = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });

t.test('the part that was opened last is closed first, and each close is awaited', async (t) => {
  const closers = createClosers(silent);
  const order: string[] = [];
  for (const name of ['admin', 'nats', 'requests']) {
    closers.push(name, async () => {
      order.push(`${name} closes`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} is closed`);
    });
  }
  await closers.closeAll();
  const closings = ['requests', 'nats', 'admin'];
  t.same(
    order,
    closings.flatMap((name) => [`${name} closes`, `${name} is closed`]),
  );
});

t.test('a part that fails or hangs does not keep the others open', async (t) => {
  const closers = createClosers(silent);
  let isClosed = false;
  closers.push('first', () => {
    isClosed = true;
  });
  closers.push('hangs', () => new Promise(() => undefined), 1);
  closers.push('fails', () => {
    throw new Error('no');
  });
  await closers.closeAll();
  t.ok(isClosed);
});

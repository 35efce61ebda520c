import t from 'tap';
import { Turns } from './turns.ts';

t.test('tasks of one key run one after the other, even if one fails', async (t) => {
  const turns = new Turns<string>();
  const log: string[] = [];
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = turns.run('a', async () => {
    await gate;
    log.push('first');
    throw new Error('failed');
  });
  const second = turns.run('a', async () => log.push('second'));
  await turns.run('b', async () => log.push('other key'));
  let isDrained = false;
  const drained = turns.drained().then(() => {
    isDrained = true;
  });
  t.notOk(isDrained);
  open();
  await t.rejects(first, { message: 'failed' });
  t.equal(await second, 3);
  t.same(log, ['other key', 'first', 'second']);
  await drained;
  t.equal(turns.size, 0, 'no key is kept');
});

t.test('tasks beyond the limit are refused until there is room again', async (t) => {
  const turns = new Turns<string>();
  const done = Array.from({ length: 256 }, (_, index) => turns.run('a', async () => index));
  await t.rejects(
    turns.run('a', async () => 0),
    { code: 'RATE_LIMITED' },
  );
  t.equal((await Promise.all(done)).length, 256);
  t.equal(await turns.run('a', async () => 7), 7);
});

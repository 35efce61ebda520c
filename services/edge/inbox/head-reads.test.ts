import t from 'tap';
import type { InboxHead } from '../../../shared/contracts/inbox-reads.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { HeadReads } from './head-reads.ts';

type Asked = { users: UserId[]; answer: (version: number) => void; fail: () => void };

/** Store answers each read when the test says so. */
function setStage() {
  const users: UserId[] = [newId<UserId>()];
  const asked: Asked[] = [];
  const taken: number[] = [];
  const ask = (users: UserId[]): Promise<InboxHead> =>
    new Promise((resolve, reject) => {
      asked.push({
        users,
        answer: (version) => resolve({ version, waiting: 0, assigned: 0, mine: {}, roles: {} }),
        fail: () => reject(new Error('store is away')),
      });
    });
  const take = ({ version }: InboxHead) => void taken.push(version);
  const heads = new HeadReads({ users: () => [...users], ask, take });
  return { users, asked, taken, heads };
}

t.test('who asks while a head is read gets the next one, and all share it', async (t) => {
  const { users, asked, taken, heads } = setStage();
  const first = heads.next();
  users.push(newId<UserId>());
  const later = [heads.next(), heads.next()];
  t.equal(asked.length, 1);
  asked[0]?.answer(1);
  t.equal((await first).version, 1);
  while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
  t.same(asked[1]?.users, users, 'whoever came meanwhile is asked for');
  asked[1]?.answer(2);
  t.same(
    (await Promise.all(later)).map(({ version }) => version),
    [2, 2],
  );
  t.same(taken, [1, 2]);
  t.notOk(heads.isReading);
});

t.test(
  'a read that fails is told to those who wait, and the next one is tried all the same',
  async (t) => {
    const { asked, heads } = setStage();
    const first = heads.next();
    const second = heads.next();
    asked[0]?.fail();
    await t.rejects(first, { message: 'store is away' });
    while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    asked[1]?.answer(3);
    t.equal((await second).version, 3);
  },
);

t.test(
  'a head is due 100 ms after the last one if something changed, else after 15 s',
  async (t) => {
    const { asked, heads } = setStage();
    const reading = heads.next();
    t.notOk(heads.isDue(steadyMs() + 60_000), 'one is read now');
    asked[0]?.answer(1);
    await reading;
    const nowMs = steadyMs();
    t.notOk(heads.isDue(nowMs + 11_000));
    t.ok(heads.isDue(nowMs + 18_001));
    heads.changed();
    t.notOk(heads.isDue(nowMs + 80));
    t.ok(heads.isDue(nowMs + 110));
    heads.close();
    t.notOk(heads.isDue(nowMs + 60_000));
  },
);

t.test('after an error store is left alone for a second', async (t) => {
  const { asked, heads } = setStage();
  const reading = heads.next();
  asked[0]?.fail();
  await t.rejects(reading);
  t.notOk(heads.isDue(steadyMs() + 900));
  t.ok(heads.isDue(steadyMs() + 1_100));
});

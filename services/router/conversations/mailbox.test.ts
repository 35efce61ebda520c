import t from 'tap';
import { BATCH_BYTES_MAX, MAILBOX_BYTES_MAX, MAILBOX_ITEMS_MAX, Mailbox } from './mailbox.ts';

const letter = (id: number, bytes = 100, deadlineAt = 1_000) => ({ id, bytes, deadlineAt });

t.test('letters leave in the order in which they came, 64 at a time', async (t) => {
  const mailbox = new Mailbox<ReturnType<typeof letter>>();
  for (let id = 0; id < 100; id += 1) mailbox.put(letter(id));
  const first = mailbox.take(0).batch;
  const second = mailbox.take(0).batch;
  t.equal(first.length, 64);
  t.same(
    [...first, ...second].map(({ id }) => id),
    Array.from({ length: 100 }, (_, id) => id),
  );
  t.equal(mailbox.size, 0);
});

t.test('an append stays below its limit of bytes, but one large letter always goes', async (t) => {
  const mailbox = new Mailbox<ReturnType<typeof letter>>();
  for (let id = 0; id < 3; id += 1) mailbox.put(letter(id, BATCH_BYTES_MAX / 2));
  t.equal(mailbox.take(0).batch.length, 2);
  mailbox.put(letter(3, BATCH_BYTES_MAX + 1));
  t.same(
    mailbox.take(0).batch.map(({ id }) => id),
    [2],
  );
  t.same(
    mailbox.take(0).batch.map(({ id }) => id),
    [3],
  );
});

t.test('letters that are too late are set apart and take no place', async (t) => {
  const mailbox = new Mailbox<ReturnType<typeof letter>>();
  mailbox.put(letter(0, 100, 10));
  mailbox.put(letter(1, 100, 30));
  mailbox.put(letter(2, 100, 10));
  const { batch, expired } = mailbox.take(20);
  t.same(
    batch.map(({ id }) => id),
    [1],
  );
  t.same(
    expired.map(({ id }) => id),
    [0, 2],
  );
  t.equal(mailbox.size, 0);
});

t.test('a full mailbox takes no letter until it has room again', async (t) => {
  const mailbox = new Mailbox<ReturnType<typeof letter>>();
  for (let id = 0; id < MAILBOX_ITEMS_MAX; id += 1) t.ok(mailbox.put(letter(id)));
  t.notOk(mailbox.put(letter(999)));
  mailbox.take(0);
  t.ok(mailbox.put(letter(999)));
});

t.test('a mailbox that is full by bytes takes no letter', async (t) => {
  const mailbox = new Mailbox<ReturnType<typeof letter>>();
  t.ok(mailbox.put(letter(0, MAILBOX_BYTES_MAX - 100)));
  t.ok(mailbox.put(letter(1, 100)));
  t.notOk(mailbox.put(letter(2, 1)));
});

t.test('a letter that is alone keeps its place and shares no append', async (t) => {
  const mailbox = new Mailbox<ReturnType<typeof letter> & { isAlone?: boolean }>();
  for (const id of [0, 1, 2, 3, 4, 5])
    mailbox.put({ ...letter(id), isAlone: id === 2 || id === 3 });
  const next = (): number[] => mailbox.take(0).batch.map(({ id }) => id);
  t.same([next(), next(), next(), next()], [[0, 1], [2], [3], [4, 5]]);
  t.equal(mailbox.size, 0);
});

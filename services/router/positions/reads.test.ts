import t from 'tap';
import type { ReadInput, ReadResult } from '../../../shared/contracts/positions.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { Reads } from './reads.ts';

const DEADLINE_MS = 2_000;
const input = (seq: number): ReadInput => ({
  user_id: newId<UserId>(),
  conversation_id: newId<ConversationId>(),
  seq,
});

function stage(answer: (reads: ReadInput[]) => ReadResult[] | Promise<ReadResult[]>) {
  const asked: ReadInput[][] = [];
  const announced: ReadInput[] = [];
  const store = (async (_op: string, { reads }: { reads: ReadInput[] }) => {
    asked.push(reads);
    return { results: await answer(reads) };
  }) as unknown as AskStore;
  const reads = new Reads({ store, announce: (read) => announced.push(read) });
  return { asked, announced, read: (one: ReadInput) => reads.read(one, steadyMs() + DEADLINE_MS) };
}
const done = ({ seq = 0 }: ReadInput): ReadResult => {
  return { ok: true, version: 1, last_read_seq: seq, unread: 0 };
};
const refused: ReadResult = { ok: false, error: { code: 'NOT_A_PARTICIPANT', message: 'no' } };

t.test('reads that come together share a request, and each has its own answer', async (t) => {
  const { asked, announced, read } = stage((reads) =>
    reads.map((one) => (one.seq === 2 ? refused : done(one))),
  );
  const inputs = [1, 2, 3].map(input);
  const [first, second, third] = await Promise.allSettled(inputs.map(read));
  t.match(first, { value: { last_read_seq: 1 } });
  t.match(second, { status: 'rejected', reason: { code: 'NOT_A_PARTICIPANT' } });
  t.match(third, { value: { last_read_seq: 3 } });
  t.same(asked, [inputs]);
  t.same(announced, [inputs[0], inputs[2]], 'a refused read is not told');
});

t.test('a request has 500 reads at most, and 10 000 may wait', async (t) => {
  const { asked, read } = stage(async (reads) => reads.map(done));
  const all = Array.from({ length: 10_000 }, (_, index) => read(input(index)));
  await t.rejects(read(input(1)), { code: 'DATABASE_UNAVAILABLE' });
  await Promise.all(all);
  t.equal(Math.max(...asked.map(({ length }) => length)), 500);
  await read(input(1));
});

t.test('all reads of a request fail if store does not answer it', async (t) => {
  const away = stage(() => {
    throw new KahaError('DATABASE_UNAVAILABLE', 'away');
  });
  await t.rejects(away.read(input(1)), { code: 'DATABASE_UNAVAILABLE' });
  const short = stage(() => []);
  await t.rejects(short.read(input(1)), { code: 'INTERNAL' });
  t.same([...away.announced, ...short.announced], []);
});

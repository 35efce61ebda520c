import t from 'tap';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { BUSY, type Gap } from '../../../shared/process/pressure.ts';
import { ConversationKey } from '../content/conversation-key.ts';
import { BATCH_BYTES_MAX, BATCH_ROWS_MAX, bytesOf } from './append-batch.ts';
import type { AppendRow, SealedMessage } from './append-writer.ts';
import { createGroupCommit } from './group-commit.ts';
import { Outage } from './outage.ts';
import { PENDING_MAX } from './pending-sends.ts';

const CONTENT = Buffer.alloc(10);
const CALM = { gapMs: ({ calmMs }: Gap) => calmMs };

function sealed(content: Buffer = CONTENT): SealedMessage {
  const conversation_id = newId<ConversationId>();
  return {
    conversation_id,
    sender_id: newId<UserId>(),
    client_msg_id: newId<string>() as string,
    message_id: newId<MessageId>(),
    message_type: 'text',
    reply_to: null,
    reply_to_seq: null,
    key: new ConversationKey({ conversation_id, generation: 1 }, Buffer.alloc(32), ''),
    content,
    metadata: null,
  };
}

function rowsOf(messages: readonly SealedMessage[]): AppendRow[] {
  return messages.map(({ message_id }, index) => ({
    item: index + 1,
    status: 'ok',
    message_id,
    seq: 1,
    sent_at: new Date(0).toISOString(),
    conversation_version: 1,
    fanout_pending: null,
  }));
}

/** The test decides when this writer's commits end. */
function scriptedWriter() {
  const batches: { messages: readonly SealedMessage[]; commit: (error?: Error) => void }[] = [];
  const began: (() => void)[] = [];
  return {
    batches,
    begun: () => new Promise<void>((resolve) => began.push(resolve)),
    write: (messages: readonly SealedMessage[]) =>
      new Promise<AppendRow[]>((resolve, reject) => {
        const commit = (error?: Error): void => (error ? reject(error) : resolve(rowsOf(messages)));
        batches.push({ messages, commit });
        began.shift()?.();
      }),
    lockedLanesMax: 4,
    ensurePartitions: async () => undefined,
    outage: new Outage(),
  };
}

const later = (): number => steadyMs() + 60_000;

t.test('one transaction is in flight, and the next takes all sends since', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer, CALM);
  const first = writer.begun();
  const sends = [group.append(sealed(), later())];
  await first;
  for (let count = 0; count < 30; count += 1) sends.push(group.append(sealed(), later()));
  t.equal(writer.batches.length, 1);
  const second = writer.begun();
  writer.batches[0]?.commit();
  await second;
  t.equal(writer.batches[1]?.messages.length, 30);
  writer.batches[1]?.commit();
  await Promise.all(sends);
  await group.idle();
  t.equal(group.pending, 0);
});

/** Ends each commit at once, and resolves to the times at which the commits began. */
async function commitTwice(pressure: { gapMs(gap: Gap, waiting: number): number }) {
  const begunAt: number[] = [];
  const rows: number[] = [];
  const writer = {
    write: async (messages: readonly SealedMessage[]) => {
      begunAt.push(steadyMs());
      rows.push(messages.length);
      // These sends arrive while the first commit is in flight.
      if (begunAt.length === 1) sends.push(...[1, 2, 3].map(() => group.append(sealed(), later())));
      return rowsOf(messages);
    },
    lockedLanesMax: 4,
    ensurePartitions: async () => undefined,
    outage: new Outage(),
  };
  const group = createGroupCommit(writer, pressure);
  const sends = [group.append(sealed(), later())];
  await group.idle();
  await Promise.all(sends);
  return { rows, apartMs: (begunAt[1] ?? 0) - (begunAt[0] ?? 0) };
}

t.test('without pressure a commit waits for the one in flight, and for nothing else', async (t) => {
  const asked: unknown[] = [];
  const { rows } = await commitTwice({
    gapMs: (gap, waiting) => {
      asked.push([gap, waiting]);
      return gap.calmMs;
    },
  });
  t.same(rows, [1, 3]);
  t.same(asked, [
    [{ calmMs: 0, pressedMs: 4, between: BUSY }, 1],
    [{ calmMs: 0, pressedMs: 4, between: BUSY }, 3],
  ]);
});

t.test('under pressure two commits begin a gap apart', async (t) => {
  const { rows, apartMs } = await commitTwice({ gapMs: () => 30 });
  t.same(rows, [1, 3]);
  t.ok(apartMs > 25, `the second commit began ${apartMs} ms after the first`);
});

t.test('a full batch does not wait for the gap', async () => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer, { gapMs: () => 3_600_000 });
  const first = writer.begun();
  const sends = [group.append(sealed(), later())];
  await first;
  for (let count = 0; count < BATCH_ROWS_MAX; count += 1) {
    sends.push(group.append(sealed(), later()));
  }
  const second = writer.begun();
  writer.batches[0]?.commit();
  await second;
  writer.batches[1]?.commit();
  await Promise.all(sends);
});

t.test('the gap under pressure grows with the rows of the last commit', async (t) => {
  const writer = scriptedWriter();
  const pressed: number[] = [];
  const group = createGroupCommit(writer, {
    gapMs: ({ pressedMs }) => {
      pressed.push(pressedMs);
      return 0;
    },
  });
  for (const rows of [1, 4, 40, 1]) {
    const begun = writer.begun();
    const sends = Array.from({ length: rows }, () => group.append(sealed(), later()));
    await begun;
    writer.batches.at(-1)?.commit();
    await Promise.all(sends);
  }
  t.same(pressed, [4, 4, 6, 8]);
});

t.test('a batch is bounded by rows and by bytes', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer, CALM);
  const big = sealed(Buffer.alloc(BATCH_BYTES_MAX / 2));
  const started = writer.begun();
  const sends = [big, sealed(big.content), sealed(big.content)].map((one) =>
    group.append(one, later()),
  );
  for (let count = 0; count < BATCH_ROWS_MAX + 100; count += 1) {
    sends.push(group.append(sealed(), later()));
  }
  await started;
  let batches = 0;
  while (group.pending > 0) {
    const next = writer.begun();
    writer.batches[batches]?.commit();
    batches += 1;
    await Promise.race([next, Promise.all(sends)]);
  }
  const sizes = writer.batches.map(({ messages }) => messages.length);
  t.same(sizes.slice(0, 2), [1, 1]);
  t.ok(sizes.every((size) => size <= BATCH_ROWS_MAX));
  t.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    BATCH_ROWS_MAX + 103,
  );
});

t.test('a send whose deadline has passed is not written', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer, CALM);
  await t.rejects(group.append(sealed(), steadyMs() - 1), { code: 'TIMEOUT' });
  t.equal(writer.batches.length, 0);
});

t.test('beyond the limit a send gets a retryable error at once', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer, CALM);
  const sends = Array.from({ length: PENDING_MAX.count }, () => group.append(sealed(), later()));
  await t.rejects(group.append(sealed(), later()), { code: 'DATABASE_UNAVAILABLE' });
  const settled = Promise.allSettled(sends);
  let ended = 0;
  while (group.pending > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    for (; ended < writer.batches.length; ended += 1) {
      writer.batches[ended]?.commit(new Error('bug'));
    }
  }
  await settled;
});

t.test('beyond the limit in bytes a send is refused too, and a small one has room', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer, CALM);
  // The largest message has 8000 code points of 4 bytes, and 4 KiB of metadata.
  const largest = Buffer.alloc(36_096);
  const fitting = Math.floor(PENDING_MAX.bytes / bytesOf(sealed(largest)));
  t.ok(fitting < PENDING_MAX.count, 'the bytes are spent first');
  const sends = Array.from({ length: fitting }, () => group.append(sealed(largest), later()));
  await t.rejects(group.append(sealed(largest), later()), { code: 'DATABASE_UNAVAILABLE' });
  sends.push(group.append(sealed(), later()));
  let committed = 0;
  while (group.pending > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    for (; committed < writer.batches.length; committed += 1) writer.batches[committed]?.commit();
  }
  t.equal((await Promise.all(sends)).length, fitting + 1, 'no send that was taken is lost');
  const begun = writer.begun();
  const again = group.append(sealed(largest), later());
  await begun;
  writer.batches.at(-1)?.commit();
  t.match(await again, { status: 'ok' }, 'there is room again');
});

t.test('an unknown error fails the batch, and the group goes on', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer, CALM);
  const first = writer.begun();
  const send = group.append(sealed(), later());
  await first;
  writer.batches[0]?.commit(new Error('bug'));
  await t.rejects(send, { code: 'INTERNAL' });
  const second = writer.begun();
  const next = group.append(sealed(), later());
  await second;
  writer.batches[1]?.commit();
  t.match(await next, { status: 'ok' });
});

import t from 'tap';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { BATCH_BYTES_MAX, BATCH_ROWS_MAX } from './append-batch.ts';
import type { AppendRow, SealedMessage } from './append-writer.ts';
import { createGroupCommit } from './group-commit.ts';
import { PENDING_MAX } from './pending-sends.ts';

const CONTENT = Buffer.alloc(10);

function sealed(content: Buffer = CONTENT): SealedMessage {
  return {
    conversation_id: newId<ConversationId>(),
    sender_id: newId<UserId>(),
    client_msg_id: newId<string>() as string,
    message_id: newId<MessageId>(),
    message_type: 'text',
    reply_to: null,
    reply_to_seq: null,
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
    ensurePartitions: async () => undefined,
  };
}

const later = (): number => Date.now() + 60_000;

t.test('one transaction is in flight, and the next takes all sends since', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer);
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

t.test('a batch is bounded by rows and by bytes', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer);
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
  const group = createGroupCommit(writer);
  await t.rejects(group.append(sealed(), Date.now() - 1), { code: 'TIMEOUT' });
  t.equal(writer.batches.length, 0);
});

t.test('beyond the limit a send gets a retryable error at once', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer);
  const sends = Array.from({ length: PENDING_MAX.sends }, () => group.append(sealed(), later()));
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

t.test('an unknown error fails the batch, and the group goes on', async (t) => {
  const writer = scriptedWriter();
  const group = createGroupCommit(writer);
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

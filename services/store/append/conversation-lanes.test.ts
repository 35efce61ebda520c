import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { ConversationKey } from '../content/conversation-key.ts';
import type { AppendRow, SealedMessage } from './append-writer.ts';
import { createConversationLanes } from './conversation-lanes.ts';
import { Outage } from './outage.ts';

/**
 * The test ends the commits of this writer. `begun` has the conversation of each batch and its
 * size. The first letter of a conversation's name names its owner.
 */
function stage(lanesMax: number, ownerLanesMax: number) {
  const names = new Map<ConversationId, string>();
  const ids = new Map<string, ConversationId>();
  const begun: [string | undefined, number][] = [];
  const observed: number[] = [];
  const commits: ((error?: Error) => void)[] = [];
  const writer = {
    write: (messages: readonly SealedMessage[]) =>
      new Promise<AppendRow[]>((resolve, reject) => {
        const [id] = messages.map((message) => message.conversation_id);
        begun.push([id && names.get(id), messages.length]);
        commits.push((error) => (error ? reject(error) : resolve(messages.map(rowOf))));
      }),
    ensurePartitions: async () => undefined,
    outage: new Outage(),
  };
  const observe = (rows: number) => void observed.push(rows);
  const lanes = createConversationLanes(writer, { lanesMax, ownerLanesMax, observe });
  const push = (name: string) => {
    const id = ids.get(name) ?? newId<ConversationId>();
    ids.set(name, id);
    names.set(id, name);
    return new Promise((resolve, reject) => {
      const deadlineAt = steadyMs() + 60_000;
      lanes.push({ message: sealed(id), bytes: 10, deadlineAt, resolve, reject }, name.slice(0, 1));
    });
  };
  /** Ends the oldest commit, and waits until the next ones have begun. */
  const commit = async (error?: Error) => {
    commits.shift()?.(error);
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
  };
  return { begun, observed, push, commit, lanes };
}

function sealed(conversation_id: ConversationId): SealedMessage {
  return {
    conversation_id,
    sender_id: newId<UserId>(),
    client_msg_id: newId<string>() as string,
    message_id: newId<MessageId>(),
    message_type: 'text',
    reply_to: null,
    reply_to_seq: null,
    key: new ConversationKey({ conversation_id, generation: 1 }, Buffer.alloc(32), ''),
    content: Buffer.alloc(10),
    metadata: null,
  };
}

function rowOf({ message_id }: SealedMessage, index: number): AppendRow {
  return {
    item: index + 1,
    status: 'ok',
    message_id,
    seq: 1,
    sent_at: new Date(0).toISOString(),
    conversation_version: 1,
    fanout_pending: null,
  };
}

t.test('an owner with many conversations leaves lanes to others', async (t) => {
  const { begun, push, commit, lanes } = stage(3, 2);
  const sends = ['a1', 'a2', 'a3', 'a4', 'b1'].map(push);
  await commit();
  t.same(
    begun.map(([name]) => name),
    ['a1', 'a2', 'b1'],
    'the last to come does not wait',
  );
  for (let left = sends.length; left > 0; left -= 1) await commit();
  await Promise.all(sends);
  t.same(
    begun.slice(3).map(([name]) => name),
    ['a3', 'a4'],
  );
  await lanes.idle();
});

t.test('owners and their conversations take turns, and a turn is one batch', async (t) => {
  const { begun, observed, push, commit } = stage(1, 1);
  const sends = ['a1', 'a1', 'a2', 'b1', 'c1'].map(push);
  await commit();
  sends.push(...['a1', 'a1', 'a1'].map(push));
  for (let left = sends.length; left > 0; left -= 1) await commit();
  await Promise.all(sends);
  const turns = [
    ['a1', 2],
    ['b1', 1],
    ['c1', 1],
    ['a2', 1],
    ['a1', 3],
  ];
  t.same(begun, turns, 'what came meanwhile shares the next turn of its conversation');
  t.same(observed, [2, 1, 1, 1, 3]);
});

t.test('of one conversation, one batch is written at a time', async (t) => {
  const { begun, push, commit } = stage(4, 4);
  const first = push('a1');
  await nextTurn();
  const second = push('a1');
  await nextTurn();
  t.same(begun, [['a1', 1]]);
  await commit();
  await first;
  t.same(begun, [
    ['a1', 1],
    ['a1', 1],
  ]);
  await commit();
  await second;
});

t.test('a batch that fails ends its turn, and the lanes go on', async (t) => {
  const { push, commit, lanes } = stage(1, 1);
  const failed = t.rejects(push('a1'), { code: 'INTERNAL' });
  const sends = ['a2', 'b1'].map(push);
  await commit();
  await commit(new Error('bug'));
  await failed;
  for (let left = sends.length; left > 0; left -= 1) await commit();
  await Promise.all(sends);
  await lanes.idle();
});

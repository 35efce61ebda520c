import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { ask, letter, StageDevice, send, setStage } from '../stage/router-stage.ts';

const stage = await setStage();
const { edge, store } = stage;
await stage.startRouter();
t.teardown(() => stage.close());

const users = () => [newId<UserId>(), newId<UserId>(), newId<UserId>()] as const;
const listen = (userId: UserId): StageDevice => new StageDevice(edge, userId);
const eventsOf = ({ signals }: StageDevice) => signals.map(({ event }) => event);
const reportDelivered = (id: ConversationId, userId: UserId, seq: number): void => {
  void ask(edge, { op: 'delivered', items: [[id, userId, seq, seq]] });
};
const typing = (id: ConversationId, userId: UserId, is_typing = true) => {
  return {
    op: 'typing' as const,
    user_id: userId,
    conversation_id: id,
    session_id: 's',
    is_typing,
  };
};
const read = (id: ConversationId, userId: UserId, seq: number) =>
  ask(edge, { op: 'read', user_id: userId, conversation_id: id, seq });

t.test('others are told of a delivered position that rises; store is asked once', async (t) => {
  const [alice, bina, chandra] = users();
  const id = store.open([alice, bina, chandra]);
  const [own, other, third] = [alice, bina, chandra].map(listen) as [
    StageDevice,
    StageDevice,
    StageDevice,
  ];
  const asked = store.count('positions.list');
  for (const seq of [3, 2, 3, 5]) reportDelivered(id, alice, seq);
  await until('the last was told', () => third.signals.length === 2);
  const seqs = eventsOf(other).map((event) => (event as { delivered_seq: number }).delivered_seq);
  t.same(seqs, [3, 5]);
  t.same(eventsOf(third), eventsOf(other));
  t.same(eventsOf(other)[1], {
    type: 'receipt',
    conversation_id: id,
    user_id: alice,
    delivered_seq: 5,
    delivered_at: '1970-01-01T00:00:00.005Z',
  });
  t.same(own.signals, []);
  t.equal(store.count('positions.list') - asked <= 4, true);
  const before = store.count('positions.list');
  for (const seq of [6, 7, 8]) reportDelivered(id, bina, seq);
  await until('known by now', () => own.signals.length === 3);
  t.equal(store.count('positions.list'), before, 'the router knows the participants by now');
});

t.test('nothing is told of a user who does not take part, or to such a user', async (t) => {
  const [alice, bina, chandra] = users();
  const id = store.open([alice, bina, chandra]);
  const [other, former] = [bina, chandra].map(listen) as [StageDevice, StageDevice];
  reportDelivered(id, alice, 1);
  await until('all three know', () => former.signals.length === 1);
  store.change(id, [alice, bina]);
  await send(edge, letter(id, alice));
  reportDelivered(id, chandra, 2);
  reportDelivered(id, newId<UserId>(), 2);
  reportDelivered(id, alice, 2);
  await until('the other knows', () => other.signals.length === 2);
  t.match(eventsOf(other), [{ user_id: alice }, { user_id: alice, delivered_seq: 2 }]);
  t.equal(former.signals.length, 1);
  store.change(id, [alice]);
  await read(id, alice, 1);
  reportDelivered(id, alice, 3);
  const witness = listen(bina);
  const open = store.open([alice, bina]);
  reportDelivered(open, alice, 1);
  await until('another conversation goes on', () => witness.signals.length === 1);
  t.match(eventsOf(witness), [{ conversation_id: open }], 'a read shows that she left');
});

t.test('a user whom another router removes is told nothing more', async (t) => {
  const [alice, bina, chandra] = users();
  const id = store.open([alice, bina, chandra]);
  const [other, former] = [bina, chandra].map(listen) as [StageDevice, StageDevice];
  await ask(edge, typing(id, alice));
  reportDelivered(id, alice, 1);
  await until('both know', () => [other, former].every(({ signals }) => signals.length === 2));
  await stage.startRouter('router-2');
  const removal = { op: 'conversations.remove', user_id: alice, participant_id: chandra } as const;
  await ask(edge, { ...removal, conversation_id: id }, 'router-2');
  reportDelivered(id, alice, 2);
  await ask(edge, typing(id, alice, false));
  await t.rejects(ask(edge, typing(id, chandra)), { code: 'NOT_A_PARTICIPANT' });
  await until('the other knows', () => other.signals.length === 4);
  t.equal(former.signals.length, 2);
});

t.test('a read is answered and told once it is stored', async (t) => {
  const [alice, bina, stranger] = users();
  const id = store.open([alice, bina]);
  for (const _ of [1, 2, 3]) await send(edge, letter(id, alice));
  const [writer, reader] = [alice, bina].map(listen) as [StageDevice, StageDevice];
  t.same(await read(id, bina, 2), { last_read_seq: 2 });
  t.same(await read(id, bina, 1), { last_read_seq: 2 });
  await until('both know', () => writer.signals.length > 0 && reader.signals.length > 0);
  t.match(eventsOf(writer), [{ type: 'receipt', user_id: bina, read_seq: 2, delivered_seq: 2 }]);
  t.same(eventsOf(reader), [{ type: 'unread', conversation_id: id, unread: 1 }]);
  await t.rejects(read(id, stranger, 1), { code: 'NOT_A_PARTICIPANT' });
});

t.test('an answer of store that was overtaken is not told', async (t) => {
  const [alice, bina] = users();
  const id = store.open([alice, bina]);
  for (const _ of [1, 2, 3]) await send(edge, letter(id, alice));
  const [writer, reader] = [alice, bina].map(listen) as [StageDevice, StageDevice];
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isFirst = true;
  store.after = (op) => {
    if (op !== 'positions.read' || !isFirst) return undefined;
    isFirst = false;
    return held;
  };
  const first = read(id, bina, 1);
  await until('it is stored', () => !isFirst);
  t.same(await read(id, bina, 3), { last_read_seq: 3 });
  await until('the second was told', () => reader.signals.length === 1);
  letGo();
  t.same(await first, { last_read_seq: 1 });
  store.after = () => undefined;
  reportDelivered(id, alice, 9);
  await until('what came after is told', () => reader.signals.length === 2);
  t.match(eventsOf(reader), [
    { type: 'unread', unread: 0 },
    { type: 'receipt', user_id: alice },
  ]);
  t.match(eventsOf(writer), [{ read_seq: 3 }]);
  t.equal(writer.signals.length, 1);
});

t.test('a read whose answer was lost is told once when it is repeated', async (t) => {
  const [alice, bina] = users();
  const id = store.open([alice, bina]);
  for (const _ of [1, 2, 3]) await send(edge, letter(id, alice));
  const [writer, reader] = [alice, bina].map(listen) as [StageDevice, StageDevice];
  store.after = async (op) => {
    if (op === 'positions.read') throw new KahaError('DATABASE_UNAVAILABLE', 'Gone meanwhile');
  };
  await t.rejects(read(id, bina, 2), { code: 'DATABASE_UNAVAILABLE' });
  store.after = () => undefined;
  for (const _ of [1, 2]) t.same(await read(id, bina, 2), { last_read_seq: 2 });
  await read(id, bina, 3);
  await until('all is told', () => writer.signals.length > 1 && reader.signals.length > 1);
  t.match(eventsOf(writer), [{ read_seq: 2 }, { read_seq: 3 }]);
  t.match(eventsOf(reader), [{ unread: 1 }, { unread: 0 }]);
});

t.test('receipts are not told while store is away, and later receipts are', async (t) => {
  const [alice, bina] = users();
  const id = store.open([alice, bina]);
  const other = listen(bina);
  store.before = () => {
    throw new Error('away');
  };
  const failed = store.calls.length;
  reportDelivered(id, alice, 1);
  await until('it was asked', () => store.calls.length > failed);
  store.before = () => undefined;
  reportDelivered(id, alice, 2);
  await until('it is told', () => other.signals.length === 1);
  t.match(eventsOf(other), [{ delivered_seq: 2 }]);
});

import t from 'tap';
import { until } from '../../dev/testing/until.ts';
import type { RouterRequest } from '../../shared/contracts/router-ops.ts';
import { subjects } from '../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../shared/ids.ts';
import { ask, letter, ROUTER, StageDevice, send, setStage } from './stage/router-stage.ts';

const stage = await setStage();
const { edge, store } = stage;
const alive: { epoch?: number }[] = [];
edge.subscribe(subjects.routerAlive, (msg) => alive.push(msg.json()));
await edge.nc.flush();
await stage.startRouter();
const setup = await stage.busOf('setup');
t.teardown(() => stage.close());

t.test('a router says that it is there, and says so again when it is asked', async (t) => {
  await until('it said so', () => alive.length > 0);
  const before = alive.length;
  const epoch = (Date.now() + 86_400_000) * 1_024;
  edge.publish(subjects.routerWho, JSON.stringify({ epoch }));
  await until('it said so at once', () => alive.length > before, 900);
  t.match(alive.at(-1), { instance: ROUTER, epoch: Number });
  t.ok((alive.at(-1)?.epoch ?? 0) >= epoch, 'it passes on how far the epochs of edges are');
});

t.test('a new conversation is shown to its creator and told to all participants', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const devices = [alice, bina].map((userId) => new StageDevice(edge, userId));
  for (const device of devices) await device.open();
  const answer = await ask(edge, {
    op: 'conversations.create',
    user_id: alice,
    conversation: { type: 'direct', participant_ids: [bina] },
  });
  t.match(answer, { created: true, record: { type: 'direct' } });
  await until('all were told', () => devices.every(({ events }) => events.length === 1));
  t.match(devices[0]?.events[0], {
    type: 'conversation',
    change: 'created',
    conversation: { conversation_id: answer.record.conversation_id },
  });
  const told = JSON.stringify(devices.map(({ events }) => events));
  t.notMatch(told, /"name"/, 'no queue holds a name');
  await until('the outbox is empty', () => store.outbox.size === 0);
});

t.test('a user hears of their mute before the message that is sent after it', async (t) => {
  const alice = new StageDevice(edge, newId<UserId>());
  await alice.open();
  const conversation = store.open([alice.userId, newId<UserId>()]);
  const place = { user_id: alice.userId, conversation_id: conversation };
  await ask(edge, { op: 'conversations.mute', ...place });
  await send(edge, letter(conversation, alice.userId));
  await until('both came', () => alice.events.length === 2);
  t.match(alice.events, [{ type: 'conversation', change: 'updated' }, { type: 'message' }]);
});

t.test('of delivered positions only the highest reaches the stream', async (t) => {
  const user = newId<UserId>();
  const conversation = store.open([user]);
  for (const seq of [1, 3, 2]) {
    void ask(edge, { op: 'delivered', items: [[conversation, user, seq, seq]] });
  }
  const jsm = await setup.nc.jetstreamManager();
  let last: unknown;
  const asking = setInterval(() => {
    jsm.streams.getMessage('RECEIPTS', { last_by_subj: subjects.receipts(ROUTER) }).then(
      (message) => {
        last = message.json();
      },
      () => undefined,
    );
  }, 50);
  await until('it is there', () => last !== undefined);
  clearInterval(asking);
  t.same(last, { items: [[conversation, user, 'delivered', 3, 3]] });
});

t.test('an operation that does not exist is refused', async (t) => {
  const request = { op: 'nonsense' } as unknown as RouterRequest;
  await t.rejects(ask(edge, request), { code: 'INVALID_REQUEST' });
});

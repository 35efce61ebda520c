import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { FeedBatch, FeedEvent } from '../../../shared/contracts/feed.ts';
import { streams } from '../../../shared/contracts/subjects.ts';
import { type ConversationId, newId, shardOf, type UserId } from '../../../shared/ids.ts';
import { ask, letter, SHARDS, StageDevice, send, setStage } from '../stage/router-stage.ts';

const stage = await setStage();
const router = await stage.startRouter();
const { edge, store } = stage;
const jsm = await (await stage.busOf('setup')).nc.jetstreamManager();
await consume();
t.teardown(() => stage.close());

/** While nobody acknowledges for this consumer, the stream keeps all that it gets. */
async function consume(): Promise<void> {
  await jsm.consumers.add(streams.events, {
    durable_name: 'test',
    ack_policy: 'explicit' as never,
  });
}

/** Reads what the feed has told of a conversation. */
async function fedOf(id: ConversationId): Promise<FeedEvent[]> {
  const { first_seq: first, last_seq: last } = (await jsm.streams.info(streams.events)).state;
  const fed: FeedEvent[] = [];
  for (let seq = Math.max(first, 1); seq <= last; seq += 1) {
    const { events } = (await jsm.streams.getMessage(streams.events, { seq })).json<FeedBatch>();
    fed.push(...events.filter(({ conversation_id }) => conversation_id === id));
  }
  return fed;
}

type Answers = { [device: string]: StageDevice['answer'] };
async function userOf(answers: Answers, userId = newId<UserId>()): Promise<StageDevice[]> {
  const devices: StageDevice[] = [];
  for (const [deviceId, answer] of Object.entries(answers)) {
    const device = new StageDevice(edge, userId, deviceId);
    device.answer = answer;
    await device.open();
    devices.push(device);
  }
  return devices;
}

t.test('the feed tells which devices took an event, once all have answered', async (t) => {
  const [ann] = (await userOf({ phone: '+*' })) as [StageDevice];
  const [bob, tablet] = (await userOf({ phone: '+', tablet: '-' })) as [StageDevice, StageDevice];
  const [cid] = (await userOf({ phone: '' })) as [StageDevice];
  const eve = newId<UserId>();
  const conversation = store.open([ann.userId, bob.userId, cid.userId, eve]);
  const sent = await send(edge, letter(conversation, ann.userId));
  await until('the tablet has it from its queue', () => tablet.events.length === 1);
  t.same(await fedOf(conversation), [], 'a device has not answered');
  t.equal(store.outbox.size, 1, 'the event is owed to the feed');
  await until('the outbox is empty', () => store.outbox.size === 0);
  t.equal(cid.events.length, 1, 'a device that does not answer has it from its queue');
  const [event, ...others] = await fedOf(conversation);
  t.same(others, []);
  t.match(event, { kind: 'message', seq: 1, at: sent.sent_at, sender_id: ann.userId });
  const byUser = new Map(event?.recipients.map(({ user_id, ...rest }) => [user_id, rest]));
  t.same(byUser.get(ann.userId), { taken: ['phone'], in_use: true });
  t.same(byUser.get(bob.userId), { taken: ['phone'] });
  t.same(byUser.get(cid.userId), { taken: [] });
  t.same(byUser.get(eve), { taken: [] }, 'a user without a device is told too');
});

t.test('while the feed takes nothing, users get all, and the feed gets it later', async (t) => {
  const [ann] = (await userOf({ phone: '-' })) as [StageDevice];
  const conversation = store.open([ann.userId]);
  const { config } = await jsm.streams.info(streams.events);
  await jsm.streams.delete(streams.events);
  await send(edge, letter(conversation, ann.userId));
  await until('the queue has it', () => ann.events.length === 1);
  const struckOff = store.count('outbox.done');
  await jsm.streams.add(config);
  await consume();
  t.equal(store.count('outbox.done'), struckOff);
  const repaired = until('the outbox is empty', () => {
    store.age();
    return store.outbox.size === 0;
  });
  await repaired;
  t.match(await fedOf(conversation), [{ kind: 'message', seq: 1 }]);
  await send(edge, letter(conversation, ann.userId));
  await until('the next one came', () => ann.events.length === 2);
  t.same(
    ann.events.map(({ seq }) => seq),
    [1, 2],
    'nobody got an event twice',
  );
});

t.test('store is told which users an event has missed, and only they get it later', async (t) => {
  const [ann] = (await userOf({ phone: '-' })) as [StageDevice];
  const shardOfAnn = shardOf(ann.userId, SHARDS);
  let bobId = newId<UserId>();
  while (shardOf(bobId, SHARDS) === shardOfAnn) bobId = newId<UserId>();
  const [bob] = (await userOf({ phone: '-' }, bobId)) as [StageDevice];
  const conversation = store.open([ann.userId, bobId]);
  const shard = streams.queue(shardOf(bobId, SHARDS));
  await jsm.streams.update(shard, { max_msg_size: 1 });
  await send(edge, letter(conversation, ann.userId));
  const row = [...store.outbox.values()].find(
    ({ entry }) => entry.conversation_id === conversation,
  );
  await until('ann has it', () => ann.events.length === 1);
  const annAt = (await jsm.streams.info(streams.queue(shardOfAnn))).state.last_seq;
  await until('store knows', () => row?.entry.missed !== undefined);
  t.match(row?.entry, { missed: [bobId], is_fed: true });
  await jsm.streams.update(shard, { max_msg_size: -1 });
  await until('the outbox is empty', () => {
    store.age();
    return store.outbox.size === 0;
  });
  await until('bob has it', () => bob.events.length === 1);
  t.equal((await jsm.streams.info(streams.queue(shardOfAnn))).state.last_seq, annAt);
  t.equal((await fedOf(conversation)).length, 1, 'the feed is not told again');
});

t.test('the feed tells of a read that raised the position', async (t) => {
  const [ann] = (await userOf({ phone: '+' })) as [StageDevice];
  const conversation = store.open([ann.userId]);
  await send(edge, letter(conversation, ann.userId));
  const place = { user_id: ann.userId, conversation_id: conversation };
  await ask(edge, { op: 'read', ...place, seq: 0 });
  await ask(edge, { op: 'read', ...place, seq: 1 });
  let reads: FeedEvent[] = [];
  await until('it is told', async () => {
    reads = (await fedOf(conversation)).filter(({ kind }) => kind === 'read');
    return reads.length > 0;
  });
  const recipients = [{ user_id: ann.userId, taken: [] }];
  t.match(reads, [{ seq: 1, recipients }]);
});

t.test('the feed tells what edges report as taken late', async (t) => {
  const [ann] = (await userOf({ phone: '-' })) as [StageDevice];
  const conversation = store.open([ann.userId]);
  await send(edge, letter(conversation, ann.userId));
  await until('the outbox is empty', () => store.outbox.size === 0);
  const [message] = await fedOf(conversation);
  const { event_id, recipients } = message as FeedEvent;
  t.same(recipients, [{ user_id: ann.userId, taken: [] }]);
  const atMs = Date.now();
  await ask(edge, {
    op: 'taken_late',
    items: [[conversation, ann.userId, 'phone', event_id, 1, atMs, true]],
  });
  await until('the feed tells it', async () => (await fedOf(conversation)).length === 2);
  const [, late] = await fedOf(conversation);
  t.same(late, {
    kind: 'taken_late',
    event_id,
    at: new Date(atMs).toISOString(),
    conversation_id: conversation,
    seq: 1,
    recipients: [{ user_id: ann.userId, taken: ['phone'], in_use: true }],
  });
});

t.test('a NATS server that is killed costs the feed no event, and makes none up', async (t) => {
  const [ann] = (await userOf({ phone: '+' })) as [StageDevice];
  const conversation = store.open([ann.userId]);
  const sends: Promise<unknown>[] = [];
  for (let n = 0; n < 20; n += 1) sends.push(send(edge, letter(conversation, ann.userId)));
  await until('the first was offered', () => ann.offered.length > 0);
  await stage.restartNats();
  await Promise.allSettled(sends);
  await until('the outbox is empty', () => {
    store.age();
    return store.outbox.size === 0;
  });
  const stored = store.sent(conversation).map(({ seq }) => seq);
  const fed = new Set((await fedOf(conversation)).map(({ seq }) => seq));
  t.ok(stored.length > 0);
  t.same(new Set(stored), fed);
});

t.test('a router that closes finishes its fan-outs, then the feed, then the outbox', async (t) => {
  const [ann] = (await userOf({ phone: '+' })) as [StageDevice];
  const [bob] = (await userOf({ phone: '' })) as [StageDevice];
  const conversation = store.open([ann.userId, bob.userId]);
  for (let n = 0; n < 5; n += 1) await send(edge, letter(conversation, ann.userId));
  await until('it was offered', () => bob.offered.length === 5);
  await router.close();
  await until('all came', () => bob.events.length === 5);
  t.same(
    (await fedOf(conversation)).map(({ seq }) => seq),
    [1, 2, 3, 4, 5],
  );
  t.equal(store.outbox.size, 0);
});

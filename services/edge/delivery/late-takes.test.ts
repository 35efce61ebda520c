import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { Client } from '../stage/client.ts';
import { setStage } from '../stage/edge-stage.ts';
import { untilLive } from '../stage/live-sessions.ts';

const stage = await setStage();
const router = await stage.startRouter();
router.script.delivered = () => ({});
const edge = await stage.startEdge();
t.teardown(() => stage.close());

async function openLive(userId: UserId): Promise<Client> {
  const client = await stage.open(edge, userId);
  await untilLive(edge);
  return client;
}

/** Takes an event from the queue, so that the report of it shows that no earlier one comes. */
async function takeOneMore(userId: UserId, client: Client, q: number): Promise<EventId> {
  const eventId = newId<EventId>();
  await stage.enqueue(userId, {}, { eventId });
  await client.nextThat((frame) => frame.q === q);
  client.send({ type: 'ack', q });
  const has = (): boolean => router.takenLate(userId).some(([, , , id]) => id === eventId);
  await until('it is reported', has);
  return eventId;
}

t.test('an event of the queue is reported with its device once it is acknowledged', async (t) => {
  const userId = newId<UserId>();
  const conversationId = newId<ConversationId>();
  const [message, change] = [newId<EventId>(), newId<EventId>()];
  const client = await stage.open(edge, userId, 'tablet');
  await stage.enqueue(userId, {}, { conversationId, seq: 7, eventId: message });
  const header = { conversationId, seq: 0, eventId: change, kind: 'message_updated' as const };
  await stage.enqueue(userId, {}, header);
  await client.nextThat(({ q }) => q === 2);
  t.same(router.takenLate(userId), [], 'nothing is acknowledged yet');
  const before = Date.now();
  client.send({ type: 'ack', q: 1 });
  await until('it is reported', () => router.takenLate(userId).length === 1);
  const [item] = router.takenLate(userId);
  t.match(item, [conversationId, userId, 'tablet', message, 7, Number, false]);
  t.ok((item?.[5] as number) >= before && (item?.[5] as number) <= Date.now());
  await client.ask({ type: 'presence_unwatch', user_ids: [newId()] });
  client.send({ type: 'ack', q: 2 });
  await until('both are reported', () => router.takenLate(userId).length === 2);
  const [, second] = router.takenLate(userId);
  t.match(second, [conversationId, userId, 'tablet', change, 0, Number, true], 'in use');
  await client.close();
});

t.test('an event that an earlier session left is reported once, by the next', async (t) => {
  const userId = newId<UserId>();
  const first = await stage.open(edge, userId);
  const eventId = newId<EventId>();
  await stage.enqueue(userId, {}, { eventId });
  await first.next('message');
  await first.close();
  const second = await stage.open(edge, userId);
  await second.next('message');
  second.send({ type: 'ack', q: 1 });
  const last = await takeOneMore(userId, second, 2);
  const told = router.takenLate(userId).map(([, , deviceId, id]) => [deviceId, id]);
  t.same(told, [
    ['phone', eventId],
    ['phone', last],
  ]);
  await second.close();
});

t.test('an event that was taken is reported if the queue brings it too', async (t) => {
  const userId = newId<UserId>();
  const client = await openLive(userId);
  const eventId = newId<EventId>();
  const offered = stage.offer({ userId }, {}, { eventId });
  await client.next('message');
  client.send({ type: 'ack', q: 1 });
  t.equal(await offered, '+');
  const before = await takeOneMore(userId, client, 2);
  t.same(
    router.takenLate(userId).map(([, , , id]) => id),
    [before],
    'the router was answered',
  );
  await stage.enqueue(userId, {}, { eventId });
  const last = await takeOneMore(userId, client, 3);
  await until('all events are acknowledged', async () => (await stage.queue(userId)).unacked === 0);
  t.same(
    router.takenLate(userId).map(([, , , id]) => id),
    [before, eventId, last],
    'a router did not hear that it was taken',
  );
  await client.close();
});

t.test('an offer that was left to the queue is reported once, before its copy comes', async (t) => {
  const userId = newId<UserId>();
  const client = await openLive(userId);
  const eventId = newId<EventId>();
  const offered = stage.offer({ userId }, {}, { eventId });
  await client.next('message');
  t.equal(await offered, '-');
  client.send({ type: 'ack', q: 1 });
  await until('it is reported', () => router.takenLate(userId).length === 1);
  await stage.enqueue(userId, {}, { eventId });
  const last = await takeOneMore(userId, client, 2);
  t.same(
    router.takenLate(userId).map(([, , , id]) => id),
    [eventId, last],
  );
  await client.close();
});

t.test('a report that no router took comes again', async () => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  router.script.taken_late = () => {
    throw new KahaError('MESSAGING_UNAVAILABLE', 'busy');
  };
  await takeOneMore(userId, client, 1);
  router.script.taken_late = () => undefined;
  await until('it came again', () => router.takenLate(userId).length >= 2);
  await client.close();
});

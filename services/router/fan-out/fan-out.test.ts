import t from 'tap';
import { encodeDurableEvent } from '../../../shared/contracts/events.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { DeviceEvent } from './device-lines.ts';
import { type Delivery, FanOut } from './fan-out.ts';

const [ann, bob, cid] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
const DEVICES = new Map([
  [ann, ['phone', 'tablet']],
  [bob, ['phone']],
]);

function deliveryTo(userIds: UserId[]): Delivery {
  const [eventId, conversationId] = [newId<EventId>(), newId<ConversationId>()];
  const header = { kind: 'message' as const, eventId, conversationId, seq: 1 };
  const whole = { ...header, senderId: ann, isNameless: false };
  const facts = { kind: 'message' as const, at: '', conversation_id: conversationId };
  return { eventId, userIds, payload: encodeDurableEvent(whole, '{"type":"message"}'), facts };
}

function stage({ isCurrent = true } = {}) {
  const added: DeviceEvent[] = [];
  const live: UserId[] = [];
  const fanOut = new FanOut({
    lines: { add: (event) => void added.push(event) },
    devicesOf: (userId) => DEVICES.get(userId) ?? [],
    isCurrent: () => isCurrent,
    room: () => undefined,
    publishLive: (userId) => void live.push(userId),
  });
  return { fanOut, added, live };
}

t.test('a user is settled once each device has the event or its queue has it', async (t) => {
  const { fanOut, added, live } = stage();
  const results = fanOut.deliver(deliveryTo([ann, bob, cid]));
  t.same(
    added.map(({ device, mayOffer }) => [device, mayOffer]),
    [
      [{ userId: ann, deviceId: 'phone' }, true],
      [{ userId: ann, deviceId: 'tablet' }, true],
      [{ userId: bob, deviceId: 'phone' }, true],
    ],
  );
  const [phone, tablet, other] = added.map(({ outcome }) => outcome);
  phone?.taken('phone', true);
  tablet?.declined();
  other?.declined();
  const recipients = await results.answered;
  t.same(recipients, [
    { user_id: cid, taken: [] },
    { user_id: ann, taken: ['phone'], in_use: true },
    { user_id: bob, taken: [] },
  ]);
  tablet?.queued();
  other?.missed();
  t.same(await results.settled, [bob]);
  t.same(live, [bob], 'a user whom neither way has reached gets a live copy');
});

t.test('without current names nothing is offered, and the event stays owed to all', async (t) => {
  const { fanOut, added, live } = stage({ isCurrent: false });
  const results = fanOut.deliver(deliveryTo([ann, cid]));
  t.ok(added.every(({ mayOffer }) => !mayOffer));
  for (const { outcome } of added) {
    outcome.declined();
    outcome.queued();
  }
  t.same(await results.settled, [ann, cid]);
  t.same(live, [], 'the known queues have the event');
  t.same(await fanOut.requeue(deliveryTo([cid])), [cid], 'nor does a repair reach anybody surely');
});

t.test('a repair offers nothing and sends no live copy', async (t) => {
  const { fanOut, added, live } = stage();
  const missed = fanOut.requeue(deliveryTo([bob]));
  t.match(added, [{ mayOffer: false }]);
  added[0]?.outcome.declined();
  added[0]?.outcome.missed();
  t.same(await missed, [bob]);
  t.same(live, []);
});

t.test('an event without participants is settled at once', async (t) => {
  const { fanOut } = stage();
  const results = fanOut.deliver(deliveryTo([]));
  t.same(await results.settled, []);
  t.same(await results.answered, []);
});

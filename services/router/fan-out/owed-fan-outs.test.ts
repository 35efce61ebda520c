import t from 'tap';
import type { FeedEvent } from '../../../shared/contracts/feed.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import type { Feed } from '../feed/feed.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import { FanOutResults } from './fan-out-results.ts';
import { OutboxDone } from './outbox-done.ts';
import { OutboxRepair } from './outbox-repair.ts';
import { OwedFanOuts } from './owed-fan-outs.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const [ann, bob] = [newId<UserId>(), newId<UserId>()];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** On this stage each rescue claims one event, which is owed to both users. */
function stage() {
  const metrics = createRouterMetrics(createMetrics('router', 'router-1'));
  const eventId = newId<EventId>();
  const conversation_id = newId<ConversationId>();
  const record = { conversation_id, created_at: new Date().toISOString() };
  const entry = {
    ...{ event_id: eventId, conversation_id, kind: 'conversation', change: 'created', version: 1 },
    ...{ user_ids: [ann, bob], records: { [ann]: record, [bob]: record } },
  };
  let claims = 0;
  const store = (async (op: string) => {
    if (op !== 'outbox.claim') return {};
    claims += 1;
    return { entries: claims === 1 ? [entry] : [] };
  }) as unknown as AskStore;
  const asked: (readonly UserId[])[] = [];
  const begun: { userIds: readonly UserId[]; results: FanOutResults }[] = [];
  const bring = ({ userIds }: Delivery): FanOutResults => {
    asked.push(userIds);
    const results = new FanOutResults(userIds.length);
    begun.push({ userIds, results });
    return results;
  };
  const fanOut = {
    deliver: bring,
    requeue: (delivery: Delivery) => bring(delivery).settled,
  } as unknown as FanOut;
  const fed: FeedEvent[] = [];
  const answers = { isFed: true };
  const feed = {
    async put(event: FeedEvent) {
      fed.push(event);
      return answers.isFed;
    },
  } as unknown as Feed;
  const done = new OutboxDone({ store, metrics, logger });
  const voidQueues = async (): Promise<void> => undefined;
  const deps = { store, fanOut, feed, done, voidQueues, isConnected: () => true, metrics, logger };
  const repair = new OutboxRepair(deps);
  const stillOwed = async (ids: EventId[]): Promise<EventId[]> => ids;
  const owed = new OwedFanOuts({ fanOut, feed, done, repair, stillOwed, metrics });
  const facts = { kind: 'conversation' as const, at: record.created_at, conversation_id };
  const delivery: Delivery = { eventId, userIds: [ann, bob], payload: new Uint8Array(), facts };
  const lose = (): void => {
    done.forget();
    repair.forget();
  };
  /** Settles the users of the oldest fan-out. No device of these users answers yet. */
  const settle = async (missed: readonly UserId[]) => {
    const { userIds, results } = begun.shift() as (typeof begun)[number];
    for (const userId of userIds) results.settle(userId, !missed.includes(userId));
    await turn();
    return async (): Promise<void> => {
      for (const userId of userIds) results.answer(userId, [`${userId}-phone`], userId === bob);
      await turn();
    };
  };
  const end = async (missed: readonly UserId[]): Promise<void> => (await settle(missed))();
  const rescue = async (): Promise<void> => {
    claims = 0;
    repair.rescue([eventId]);
    while (begun.length === 0) await turn();
  };
  const close = (): Promise<unknown> => Promise.all([repair.close(), done.close()]);
  const acts = { settle, end, lose, rescue, close };
  return { done, repair, owed, delivery, asked, begun, fed, answers, ...acts };
}

t.test('an event that all users have is done; a repair asks only the missed ones', async (t) => {
  const { done, owed, delivery, asked, fed, end, rescue, close } = stage();
  owed.start(delivery);
  await end([bob]);
  t.equal(done.held, 0);
  await rescue();
  await end([]);
  t.same(asked, [[ann, bob], [bob]]);
  t.same(done.ids(), [delivery.eventId]);
  t.equal(fed.length, 1, 'the feed was told although bob was missed');
  await close();
});

t.test(
  'the feed is told once all devices have answered, and the row goes after that',
  async (t) => {
    const { done, owed, delivery, fed, settle, close } = stage();
    owed.start(delivery);
    const answer = await settle([]);
    t.same([fed.length, done.held], [0, 0], 'all queues have the event, but one device is open');
    let isDrained = false;
    const drained = owed.drained().then(() => {
      isDrained = true;
    });
    await turn();
    t.equal(isDrained, false, 'a router that closes waits for the feed');
    await answer();
    t.same(fed, [
      {
        ...delivery.facts,
        event_id: delivery.eventId,
        recipients: [
          { user_id: ann, taken: [`${ann}-phone`] },
          { user_id: bob, taken: [`${bob}-phone`], in_use: true },
        ],
      },
    ]);
    t.same(done.ids(), [delivery.eventId]);
    await drained;
    await close();
  },
);

t.test(
  'an event that only the feed lacks stays owed, and a repair tells only the feed',
  async (t) => {
    const { done, owed, delivery, asked, begun, fed, answers, end, rescue, close } = stage();
    answers.isFed = false;
    owed.start(delivery);
    await end([]);
    t.same([fed.length, done.held], [1, 0]);
    answers.isFed = true;
    await rescue();
    t.same(asked, [[ann, bob], []], 'no user is asked again');
    begun.length = 0;
    await turn();
    t.same(
      fed.map(({ recipients }) => recipients.map(({ taken }) => taken?.length)),
      [
        [1, 1],
        [0, 0],
      ],
      'a repair does not know who took it',
    );
    t.same(done.ids(), [delivery.eventId]);
    await close();
  },
);

t.test('after a lost connection an event is owed to all its users again', async (t) => {
  const { done, owed, delivery, asked, fed, end, lose, rescue, close } = stage();
  owed.start(delivery);
  lose();
  await end([]);
  t.equal(done.held, 0, 'a queue that took the event before may have lost it');
  await rescue();
  lose();
  await end([bob]);
  await rescue();
  await end([bob]);
  t.same(asked, [
    [ann, bob],
    [ann, bob],
    [ann, bob],
  ]);
  lose();
  await rescue();
  await end([]);
  t.same(asked.at(-1), [ann, bob], 'the second loss makes the event owed to both again');
  t.same(done.ids(), [delivery.eventId]);
  t.equal(fed.length, 4, 'the feed may have lost it as well');
  await close();
});

t.test('a repeated send starts no second fan-out of an event that is in hand', async (t) => {
  const { owed, delivery, asked, settle, close } = stage();
  owed.start(delivery);
  owed.rescue([delivery.eventId]);
  const answer = await settle([]);
  owed.rescue([delivery.eventId]);
  await answer();
  owed.rescue([delivery.eventId]);
  await turn();
  t.same(asked, [[ann, bob]], 'not while it is fanned out, fed, or struck off');
  await close();
});

t.test('a removal waits until earlier events are settled, and not for the feed', async (t) => {
  const { owed, delivery, asked, settle, close } = stage();
  owed.start(delivery);
  const inHand = owed.inHand();
  const removal = { ...delivery, eventId: newId<EventId>(), userIds: [bob] };
  owed.startLast(removal, { before: [delivery.eventId], inHand });
  await turn();
  t.same(asked, [[ann, bob]]);
  const answer = await settle([]);
  t.same(asked, [[ann, bob], [bob]], 'a device of the earlier event has not answered');
  await answer();
  await (await settle([]))();
  await owed.drained();
  await close();
});

t.test('a removal is told although the feed lacks the earlier event', async (t) => {
  const { owed, delivery, asked, answers, end, settle, close } = stage();
  owed.start(delivery);
  answers.isFed = false;
  const inHand = owed.inHand();
  await end([]);
  const removal = { ...delivery, eventId: newId<EventId>(), userIds: [bob] };
  owed.startLast(removal, { before: [delivery.eventId], inHand });
  await turn();
  t.same(asked, [[ann, bob], [bob]]);
  await (await settle([]))();
  await owed.drained();
  await close();
});

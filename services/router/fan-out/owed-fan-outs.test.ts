import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { FeedEvent, FeedRecipient } from '../../../shared/contracts/feed.ts';
import type { OutboxMissed } from '../../../shared/contracts/outbox.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import type { Feed } from '../feed/feed.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import { FanOutResults } from './fan-out-results.ts';
import { OutboxRepair } from './outbox-repair.ts';
import { OutboxReports } from './outbox-reports.ts';
import { OwedFanOuts } from './owed-fan-outs.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const [ann, bob] = [newId<UserId>(), newId<UserId>()];
type Requests = { event_ids?: EventId[]; items?: OutboxMissed[] };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const onRepair = (): void => undefined;

function recipientOf(user_id: UserId): FeedRecipient {
  const recipient = { user_id, taken: [`${user_id}-phone`] };
  return user_id === bob ? { ...recipient, in_use: true } : recipient;
}

/** On this stage a store owes one event to both users, until it is reported to be done. */
function stage() {
  const metrics = createRouterMetrics(createMetrics('router', 'router-1'));
  const eventId = newId<EventId>();
  const conversation_id = newId<ConversationId>();
  const record = { conversation_id, created_at: new Date().toISOString() };
  const row: Record<string, unknown> = {
    ...{ event_id: eventId, conversation_id, kind: 'conversation', change: 'created', version: 1 },
    ...{ user_ids: [ann, bob], records: { [ann]: record, [bob]: record } },
  };
  const outbox = new Map([[eventId, row]]);
  const answers = { isFed: true };
  const store = (async (op: string, request: Requests) => {
    if (op === 'outbox.done') for (const id of request.event_ids ?? []) outbox.delete(id);
    for (const { event_id, ...lack } of request.items ?? []) {
      Object.assign(outbox.get(event_id) ?? {}, lack);
    }
    if (op !== 'outbox.claim') return {};
    return { entries: request.event_ids?.flatMap((id) => outbox.get(id) ?? []) ?? [] };
  }) as unknown as AskStore;
  const asked: (readonly UserId[])[] = [];
  const begun: { userIds: readonly UserId[]; results: FanOutResults }[] = [];
  const bring = ({ userIds }: Delivery): FanOutResults => {
    asked.push(userIds);
    const results = new FanOutResults(userIds, true);
    if (userIds.length > 0) begun.push({ userIds, results });
    return results;
  };
  const fanOut = {
    deliver: bring,
    requeue: (delivery: Delivery) => bring(delivery).settled,
    room: () => undefined,
  } as unknown as FanOut;
  const fed: FeedEvent[] = [];
  const feed = {
    async put(event: FeedEvent) {
      fed.push(event);
      return answers.isFed;
    },
  } as unknown as Feed;
  const reports = new OutboxReports({ store, metrics, logger });
  const voidQueues = async (): Promise<void> => undefined;
  const parts = { store, fanOut, feed, reports, metrics, logger };
  const repair = new OutboxRepair({ ...parts, voidQueues, onRepair, isReady: () => true });
  const stillOwed = async (ids: EventId[]): Promise<EventId[]> => ids;
  const owed = new OwedFanOuts({ ...parts, repair, stillOwed });
  const facts = { kind: 'conversation' as const, at: record.created_at, conversation_id };
  const delivery: Delivery = { eventId, userIds: [ann, bob], payload: new Uint8Array(), facts };
  /** Settles the users of the oldest fan-out. No device of these users answers yet. */
  const settle = async (missed: readonly UserId[]) => {
    const { userIds, results } = begun.shift() as (typeof begun)[number];
    for (const userId of userIds) results.settle(userId, !missed.includes(userId));
    await turn();
    return async (): Promise<void> => {
      for (const userId of userIds) results.answer(recipientOf(userId));
      await turn();
    };
  };
  const end = async (missed: readonly UserId[]): Promise<void> => (await settle(missed))();
  const reported = (): Promise<unknown> => until('store knows', () => reports.held === 0);
  const rescue = async (): Promise<void> => {
    await reported();
    const before = asked.length;
    repair.rescue([eventId]);
    while (asked.length === before) await turn();
    await turn();
  };
  const close = (): Promise<unknown> => Promise.all([repair.close(), reports.close()]);
  const acts = { settle, end, reported, rescue, close };
  return { reports, row, outbox, owed, delivery, asked, fed, answers, ...acts };
}

t.test('an event that all users have is done; a repair asks only the missed ones', async (t) => {
  const { outbox, row, owed, delivery, asked, fed, end, reported, rescue, close } = stage();
  owed.start(delivery);
  await end([bob]);
  await reported();
  t.match(row, { missed: [bob], is_fed: true });
  await rescue();
  await end([]);
  t.same(asked, [[ann, bob], [bob]]);
  await reported();
  t.equal(outbox.size, 0);
  t.equal(fed.length, 1, 'the feed was told although bob was missed');
  await close();
});

t.test('a repair notes whom it has missed in turn, and nothing if all is as before', async (t) => {
  const { row, owed, delivery, asked, fed, answers, end, reported, rescue, close } = stage();
  answers.isFed = false;
  owed.start(delivery);
  await end([ann, bob]);
  await reported();
  t.notOk('missed' in row, 'nobody has the event, as store assumes anyway');
  await rescue();
  await end([bob]);
  await reported();
  t.match(row, { missed: [bob], is_fed: false });
  Object.freeze(row);
  await rescue();
  await end([bob]);
  await reported();
  t.same(asked, [[ann, bob], [ann, bob], [bob]]);
  t.equal(fed.length, 3, 'the feed is tried each time');
  await close();
});

t.test(
  'the feed is told once all devices have answered, and the row goes after that',
  async (t) => {
    const { reports, outbox, owed, delivery, fed, settle, reported, close } = stage();
    owed.start(delivery);
    const answer = await settle([]);
    t.same([fed.length, reports.held], [0, 0], 'all queues have the event, but one device is open');
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
    await drained;
    await reported();
    t.equal(outbox.size, 0);
    await close();
  },
);

t.test(
  'an event that only the feed lacks stays owed, and a repair tells only the feed',
  async (t) => {
    const { outbox, row, owed, delivery, asked, fed, answers, end, reported, rescue, close } =
      stage();
    answers.isFed = false;
    owed.start(delivery);
    await end([]);
    await reported();
    t.match(row, { missed: [], is_fed: false });
    answers.isFed = true;
    await rescue();
    t.same(asked, [[ann, bob], []], 'no user is asked again');
    t.same(
      fed.map(({ recipients }) => recipients.map(({ taken }) => taken?.length)),
      [
        [1, 1],
        [0, 0],
      ],
      'a repair does not know who took it',
    );
    await reported();
    t.equal(outbox.size, 0);
    await close();
  },
);

t.test('after a lost connection an event is owed to all its users again', async (t) => {
  const { reports, outbox, row, owed, delivery, asked, fed, end, reported, rescue, close } =
    stage();
  owed.start(delivery);
  reports.forget();
  await end([]);
  t.equal(reports.held, 0, 'a queue that took the event before may have lost it');
  await rescue();
  reports.forget();
  await end([bob]);
  await rescue();
  await end([bob]);
  reports.forget();
  t.notOk('missed' in row, 'store has heard of nobody');
  await rescue();
  await end([]);
  t.same(
    asked,
    Array.from({ length: 4 }, () => [ann, bob]),
  );
  await reported();
  t.equal(outbox.size, 0);
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

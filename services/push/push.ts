import type { FeedEvent } from '../../shared/contracts/feed.ts';
import { streams } from '../../shared/contracts/subjects.ts';
import { type FeedReading, startFeedReader } from '../../shared/feed/feed-reader.ts';
import type { TakenOn } from '../../shared/feed/handle-events.ts';
import { shardOf, type UserId } from '../../shared/ids.ts';
import type { Bus } from '../../shared/nats/bus.ts';
import { createAskProfiles, createAskStore } from '../../shared/nats/rpc-clients.ts';
import { type ServiceDeps, startService } from '../../shared/process/boot.ts';
import { steadyMs } from '../../shared/process/clock.ts';
import type { Closers } from '../../shared/process/closers.ts';
import { Alerts } from './alerts.ts';
import { BadgeCorrections } from './badges/badge-corrections.ts';
import type { PushConfig } from './config.ts';
import { Scenes } from './facts/scenes.ts';
import { createProviders } from './providers/create-providers.ts';
import { createPushMetrics } from './push-metrics.ts';
import { createRegistrations } from './registrations.ts';
import { createPushSender } from './sending/push-sender.ts';
import { SEND_TERMS } from './sending/send-terms.ts';

const STORE_MS = 2_000;
const EVENTS_MS = 10_000;
/** An alert does not wait longer for names than this. */
const NAMES_MS = 1_000;
const TRY_MS = 10_000;
/** So long after NATS came back, edges and routers tell of what was taken meanwhile. */
const SETTLE_MS = 3_000;
const CLOSE_MS = 12_000;
/** Handling an event takes no time, unless there is no room for more. */
const EVENTS_AT_ONCE = 1;

/**
 * Push reads the feed, and tells devices of messages that they did not take. Each share of it reads
 * all of the feed and looks after its own part of the users, so that no two of them push the same.
 * Nothing in the chat waits for it.
 */
export function createPush(config: PushConfig, deps: ServiceDeps) {
  return startService(config, deps, async ({ connect, closers }) => {
    const bus = await connect();
    run({ ...deps, bus, config }, closers);
    return {};
  });
}

type Parts = ServiceDeps & { bus: Bus; config: PushConfig };

function run({ bus, config, metrics: all, logger }: Parts, closers: Closers): void {
  const { shares, threadKey, providers } = config;
  const metrics = createPushMetrics(all);
  const askStore = createAskStore(bus, STORE_MS);
  const askProfiles = createAskProfiles(bus, NAMES_MS);
  const clocks = { now: steadyMs, wallMs: Date.now };
  const sender = createPushSender({
    ...{ providers: createProviders(providers, { ...clocks, tryMs: TRY_MS }), terms: SEND_TERMS },
    ...{ ...clocks, random: Math.random, metrics, logger },
  });
  const scenes = new Scenes({
    askFacts: (questions) => askStore('push.facts', { questions }),
    askNames: (ids) => askProfiles('get', ids),
  });
  const registrations = createRegistrations(
    (settled) => askStore('push.settle', settled).then(() => undefined),
    logger,
  );
  const askBadges = async (user_ids: UserId[]) =>
    (await askStore('push.badges', { user_ids })).users;
  const badges = new BadgeCorrections({ sender, registrations, askBadges, logger });
  let reading: FeedReading | undefined;
  let settledMs = 0;
  bus.onReconnect(() => {
    settledMs = steadyMs() + SETTLE_MS;
  });
  const alerts = new Alerts({
    ...{ scenes, sender, registrations, threadKey, metrics, logger },
    isCurrent: () => bus.connected && steadyMs() >= settledMs && reading?.isCurrent() === true,
    onBadge: (userId, deviceId, badge) => badges.noteBadge(userId, deviceId, badge),
  });
  const isMine = (userId: UserId): boolean => shardOf(userId, shares.count) === shares.own;
  reading = startFeedReader(
    { bus, logger, metrics: all },
    {
      ...{ consumer: streams.pushConsumer(shares.own), concurrencyMax: EVENTS_AT_ONCE },
      takesOn: true,
      handle: (event) => handle(event, { alerts, badges, isMine }),
      askEvents: (range) => createAskStore(bus, EVENTS_MS)('events.between', range),
    },
  );
  // What is on its way to providers ends before the feed gets back what was not done.
  closers.push('feed', () => reading?.close());
  closers.push('sender', () => sender.close(), CLOSE_MS);
  closers.push('alerts', () => {
    alerts.close();
    badges.close();
  });
  all.gauge('kaha_push_waiting_messages', 'Messages of which devices may be told', () => {
    return alerts.waiting;
  });
  all.gauge('kaha_push_waiting_badges', 'Users whose badges may be wrong', () => badges.waiting);
  all.gauge('kaha_push_waiting_questions', 'Questions to store', () => scenes.held);
}

type Handling = { alerts: Alerts; badges: BadgeCorrections; isMine: (userId: UserId) => boolean };

async function handle(
  event: FeedEvent,
  { alerts, badges, isMine }: Handling,
): Promise<TakenOn | undefined> {
  switch (event.kind) {
    case 'message': {
      const { sender_id: senderId } = event;
      // Whoever writes has read what is above.
      if (senderId !== undefined && isMine(senderId)) badges.noteRead(senderId);
      return alerts.note(event, isMine);
    }
    case 'taken_late':
      return alerts.noteTaken(event, isMine);
    case 'read': {
      alerts.noteRead(event);
      const readers = event.recipients.filter(({ user_id: id }) => isMine(id));
      const taken = readers.flatMap(({ user_id: id }) => badges.noteRead(id) ?? []);
      if (taken.length === 0) return undefined;
      return { done: Promise.all(taken.map(({ done }) => done)).then(() => undefined) };
    }
    default:
      return undefined;
  }
}

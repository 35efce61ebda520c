import { setTimeout as delay } from 'node:timers/promises';
import { subjects } from '../../shared/contracts/subjects.ts';
import type { DurableEvents } from '../../shared/durable-events/durable-event.ts';
import { KahaError } from '../../shared/errors.ts';
import { type ConversationId, newId, type UserId } from '../../shared/ids.ts';
import type { Bus, RpcServer } from '../../shared/nats/bus.ts';
import { type AskStore, createAskStore } from '../../shared/nats/rpc-clients.ts';
import { type ServiceDeps, startService } from '../../shared/process/boot.ts';
import { steadyMs } from '../../shared/process/clock.ts';
import type { Closers } from '../../shared/process/closers.ts';
import { Epochs } from '../../shared/process/epochs.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { BUSY, type Gap, Pressure } from '../../shared/process/pressure.ts';
import { createAssignment } from './assignment/create-assignment.ts';
import { StepReports } from './assignment/step-reports.ts';
import { createAgentChanges } from './businesses/agent-changes.ts';
import { BusinessSignals } from './businesses/business-signals.ts';
import type { RouterConfig } from './config.ts';
import { ConversationActors } from './conversations/conversation-actors.ts';
import { MembershipSignals } from './conversations/membership-signals.ts';
import { MessageChanges } from './conversations/message-changes.ts';
import { createFanOuts } from './fan-out/create-fan-outs.ts';
import { startHeartbeat } from './heartbeat.ts';
import { createJobs } from './jobs/create-jobs.ts';
import { tellErased } from './jobs/job-tasks.ts';
import { createOperations } from './operations.ts';
import { LiveReceipts } from './positions/live-receipts.ts';
import { PositionReports } from './positions/position-reports.ts';
import { type Announce, Reads } from './positions/reads.ts';
import { createQueues, type Queues } from './queues/create-queues.ts';
import { createRouterMetrics, type RouterMetrics } from './router-metrics.ts';
import { Sessions } from './sessions/sessions.ts';
import { SignOuts } from './sessions/sign-outs.ts';
import { UserTurns } from './sessions/user-turns.ts';
import { Typing } from './typing/typing.ts';
import { TypingAudiences } from './typing/typing-audiences.ts';

/**
 * At most this many requests run at once, which are ~2 s of sends at the rate of one process.
 * Beyond it an edge gets a retryable error.
 */
const CONCURRENCY_MAX = 8_192;
const DRAIN_MS = 8_000;
/** Store gives up after 2 s. The rest lets its error arrive before a router gives up. */
const STORE_WAIT_MS = 2_500;
const POSITIONS_TIMEOUT_MS = 2_000;
/** A session waits this long to hear whether its user was erased. */
const ERASED_WAIT_MS = 500;
const LOAD_RETRY_MS = 1_000;
const LOAD_TRIES = 60;
/**
 * Edges have gathered what they ask, so a router asks store at once what one message brought. With
 * 1000 messages/s, a gap of 4 ms in routers, commits 4 to 8 ms apart and one of 4 ms in edges make
 * p50 11 ms, and the gap in edges alone makes it 4.5 ms at the same CPU.
 */
const WRITE_GAP: Gap = { calmMs: 0, pressedMs: 4, between: BUSY };

/** A test may hand in a table of durable events that has more kinds. */
type Deps = ServiceDeps & { events?: DurableEvents };
type Parts = Deps & { bus: Bus; store: AskStore; counters: RouterMetrics };
export type Router = Awaited<ReturnType<typeof createRouter>>;

/**
 * Wires the conversation actors, the fan-out and the device queues of one process. A router serves
 * only once it knows which queues exist. A router that closes says `router.leaving`, takes no new
 * request, so that edges get no-responders and ask another router, and then finishes the requests
 * in flight.
 */
export function createRouter(config: RouterConfig, deps: Deps) {
  return startService(config, deps, async ({ connect, begin, closers }) => {
    const pressure = new Pressure();
    const bus = await connect({ writeGapMs: () => pressure.gapMs(WRITE_GAP) });
    const store = createAskStore(bus, STORE_WAIT_MS);
    const parts = { ...deps, bus, store, counters: createRouterMetrics(deps.metrics) };
    const queues = createQueues(config, parts, closers);
    begin('reading the queues');
    await loadQueues(queues, deps.logger);
    serve(config, { ...parts, queues }, closers);
    return {};
  });
}

function serve(config: RouterConfig, parts: Parts & { queues: Queues }, closers: Closers): void {
  const { bus, store, logger, metrics, counters, queues } = parts;
  const { instance } = config;
  const positionReports = new PositionReports({
    publish: (batch) => {
      const payload = Buffer.from(JSON.stringify(batch));
      const options = { msgId: newId<string>(), timeoutMs: POSITIONS_TIMEOUT_MS };
      return bus.jetPublish(subjects.receipts(instance), payload, options);
    },
    metrics: counters,
  });
  closers.push('position reports', () => positionReports.close());
  const { liveReceipts, typing } = createLive(parts, closers);
  const onVersion = (id: ConversationId, version: number): void => {
    liveReceipts.noteVersion(id, version);
    typing.participantsChanged(id);
  };
  const memberships = new MembershipSignals({ bus, onVersion, logger });
  const fanning = { ...parts, instance, memberships };
  const { owed: fanOuts, feed } = createFanOuts(fanning, closers);
  const announce: Announce = (input, reply) => {
    void liveReceipts.read(input, reply);
    feed.tellRead(input, reply);
  };
  const reads = new Reads({ store, announce });
  const signals = new BusinessSignals(bus);
  const steps = new StepReports(counters, signals);
  const changing = { store, fanOuts, liveReceipts, memberships, steps };
  const actors = new ConversationActors({ ...changing, metrics: counters, logger });
  closers.push('conversations', () => actors.close(), DRAIN_MS);
  const epochs = new Epochs();
  const { sessions, signOuts } = createSessions(parts, epochs);
  const messageChanges = new MessageChanges({ store, fanOuts, actors });
  closers.push('message changes', () => messageChanges.drained(), DRAIN_MS);
  const agentChanges = createAgentChanges(changing);
  const jobs = createJobs({ ...parts, actors, agentChanges, signals, steps }, closers);
  const operations = createOperations({
    store,
    fanOuts,
    actors,
    messageChanges,
    agentChanges,
    erased(userId) {
      tellErased(bus, userId);
      jobs.poke();
    },
    runJobs: () => jobs.poke(),
    sessions,
    signOuts,
    checks: queues.checks,
    positionReports,
    liveReceipts,
    reads,
    feed,
    typing,
    steps,
    signals,
    metrics: counters,
  });
  const options = { subject: subjects.router(instance), concurrencyMax: CONCURRENCY_MAX };
  const server = bus.serve(options, operations);
  closers.push('requests', () => server.drain(), DRAIN_MS);
  // The assignment ends first, so that other routers give out what waits while this one drains.
  createAssignment({ ...parts, actors, steps }, closers);
  const heartbeat = startHeartbeat(bus, instance, epochs);
  closers.push('heartbeat', () => heartbeat.leave());

  const gauged = { server, actors, messageChanges, sessions, liveReceipts, typing };
  gaugeParts(metrics, { ...gauged, positionReports });
}

/** Wires the parts that open sessions of devices, and end them for good. */
function createSessions(parts: Parts & { queues: Queues }, epochs: Epochs) {
  const { bus, store, counters, queues } = parts;
  const { known, devices, holders, tellHeld, isCurrent } = queues;
  const turns = new UserTurns();
  const shared = { known, queues: devices, holders, epochs, turns };
  const signOuts = new SignOuts({ ...shared, bus, store, isCurrent });
  const sessions = new Sessions({
    ...shared,
    tellHeld,
    signOuts,
    isErased: (user_id) => isErased(store, user_id),
    metrics: counters,
  });
  return { sessions, signOuts };
}

/** A store that is away stops no session: edges know of erasures too. */
async function isErased(store: AskStore, user_id: UserId): Promise<boolean> {
  try {
    const deadlineAt = steadyMs() + ERASED_WAIT_MS;
    return (await store('users.is_erased', { user_id }, { deadlineAt })).is_erased;
  } catch (error) {
    if (!KahaError.from(error).isRetryable) throw error;
    return false;
  }
}

type Gauged = {
  server: RpcServer;
  actors: ConversationActors;
  messageChanges: MessageChanges;
  sessions: Sessions;
  liveReceipts: LiveReceipts;
  typing: Typing;
  positionReports: PositionReports;
};

function gaugeParts({ gauge }: Parts['metrics'], parts: Gauged): void {
  const { server, actors, messageChanges, sessions, liveReceipts, typing } = parts;
  gauge('kaha_router_requests_in_flight', 'Requests served now', () => server.inFlight());
  gauge('kaha_router_actors', 'Conversations in memory', () => actors.size);
  gauge('kaha_router_mailbox_depth', 'Sends that wait', () => actors.depth);
  gauge('kaha_router_messages_changing', 'Messages being changed', () => messageChanges.size);
  gauge('kaha_router_sessions_opening', 'Session opens', () => sessions.waiting);
  gauge('kaha_router_positions', 'Conversations whose positions are known', () => {
    return liveReceipts.conversations;
  });
  gauge('kaha_router_typing', 'Users who type, or did just now', () => typing.size);
  gauge('kaha_router_receipts_held', 'Positions that wait', () => parts.positionReports.held);
}

/** Wires the parts whose live events go out on `user.<user>` and are kept nowhere. */
function createLive({ bus, store, counters, logger }: Parts, closers: Closers) {
  const publish = (userId: UserId, payload: string): void => {
    bus.publish(subjects.user(userId), payload);
  };
  const liveReceipts = new LiveReceipts({
    store,
    publish,
    metrics: counters,
    logger,
  });
  const audiences = new TypingAudiences(store, liveReceipts.known);
  const typing = new Typing({ audiences, publish, logger });
  closers.push('typing', () => typing.close());
  return { liveReceipts, typing };
}

/**
 * Reads the names of all queues. It tries again for a minute, because the streams may still be
 * missing, and then fails, because nothing works without them.
 */
async function loadQueues(queues: Queues, logger: Logger): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await queues.refresh();
      return await queues.learnTails();
    } catch (error) {
      if (tries >= LOAD_TRIES) throw error;
      logger.warn({ err: error }, 'the queues cannot be read yet');
      await delay(LOAD_RETRY_MS);
    }
  }
}

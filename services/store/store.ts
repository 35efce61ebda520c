import type { Redis } from 'ioredis';
import { Gate } from '../../shared/concurrency/gate.ts';
import { subjects } from '../../shared/contracts/subjects.ts';
import type { DurableEvents } from '../../shared/durable-events/durable-event.ts';
import { KahaError } from '../../shared/errors.ts';
import type { Bus, RpcServer } from '../../shared/nats/bus.ts';
import { type ServiceDeps, startService } from '../../shared/process/boot.ts';
import { steadyMs } from '../../shared/process/clock.ts';
import type { Closers } from '../../shared/process/closers.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { Pressure } from '../../shared/process/pressure.ts';
import { closeRedis, connectRedis } from '../../shared/process/redis.ts';
import { createAppendWriter } from './append/append-writer.ts';
import { createGroupCommit } from './append/group-commit.ts';
import { PENDING_MAX } from './append/pending-sends.ts';
import { AgentPresences } from './assignment/agent-presence.ts';
import { watchAssignment } from './assignment/assignment-stats.ts';
import { PresenceRounds } from './assignment/presence-rounds.ts';
import type { Config } from './config.ts';
import { createAddressCipher } from './content/address-cipher.ts';
import { ContentCiphers } from './content/content-ciphers.ts';
import { ConversationKeys } from './content/conversation-keys.ts';
import { countKeyUses } from './content/key-uses.ts';
import { createListCipher } from './content/list-cipher.ts';
import { watchUnreadable } from './content/unreadable-texts.ts';
import { ChatListCache } from './conversations/chat-list-cache.ts';
import { openStoreDatabase } from './database/database.ts';
import { toKahaError } from './database/database-error.ts';
import { answerBy, withDeadline } from './database/deadline.ts';
import { watchTimes } from './database/heal-times.ts';
import { watchSchema } from './database/schema-check.ts';
import { TimesAhead } from './database/times-ahead.ts';
import { ErasureSecret } from './erasures/erasure-secret.ts';
import { createBusinessSends } from './inbox/business-sends.ts';
import { watchJobs } from './jobs/job-stats.ts';
import { createOperations, type Operations } from './operations.ts';
import { watchOutbox } from './outbox/outbox-stats.ts';
import { startPositions } from './positions/apply-positions.ts';
import { ReadCommit } from './positions/read-commit.ts';
import { readPositions } from './positions/read-positions.ts';
import { createErasureStream } from './reapply/erasure-stream.ts';
import { type ErasureWatch, watchErasures } from './reapply/watch-erasures.ts';

/**
 * Beyond this many open requests of one operation, a request gets MESSAGING_UNAVAILABLE at once.
 */
const CONCURRENCY_MAX = 1_000;
/**
 * An append has at least one send, and sends have bounds of their own. So one business may reach
 * its bound, and the messages to all others are taken still.
 */
const APPENDS_MAX = PENDING_MAX.count;
/**
 * These operations answer pages of up to 256 or 512 KiB. A page that has been read takes several
 * times as much until it is answered, so only so many are made at once. That is more than there are
 * connections to read them with. The others wait with nothing but their requests.
 */
const PAGES: ReadonlySet<string> = new Set<keyof Operations>([
  'messages.history',
  'messages.undelivered',
  'conversations.list',
  'inbox.list',
  'outbox.claim',
  'events.between',
  'users.export',
]);
const PAGES_MAX = { concurrencyMax: 32, waitingMax: 6 * CONCURRENCY_MAX };
const DRAIN_DEADLINE_MS = 4_000;

/** A test may hand in a table of durable events that has more kinds. */
type Deps = ServiceDeps & { events?: DurableEvents };

/**
 * The store alone asks Postgres. It serves `rpc.store.*` and consumes stream RECEIPTS. It also
 * starts without Postgres: requests then get DATABASE_UNAVAILABLE, and `/readyz` says why.
 */
export function createStore(config: Config, { logger, metrics, events }: Deps) {
  return startService(config, { logger, metrics }, async ({ connect, closers }) => {
    const noteUnreadable = watchUnreadable({ metrics, logger });
    const { contentKeys, retentionDays } = config;
    const database = openStoreDatabase({ ...config.database, retentionDays, logger });
    const { db, pool, positions } = database;
    const noteUse = countKeyUses(metrics, contentKeys);
    const keys = new ConversationKeys({ db, contentKeys, metrics, logger, noteUse });
    const ciphers = new ContentCiphers({ keys, contentKeys, noteUnreadable });
    closers.push('database', database.close);
    const writer = createAppendWriter({ pool: database.appends, db });
    const pressure = new Pressure();
    const group = createGroupCommit(writer, pressure, observeCommits(metrics, 'kaha_append'));
    metrics.gauge('kaha_append_pending', 'Sends that wait for a commit', () => group.pending);

    const observe = observeCommits(metrics, 'kaha_append_business');
    const ofBusinesses = { database: database.businessSends, ciphers, logger, observe };
    const businessSends = createBusinessSends(ofBusinesses);
    metrics.gauge(
      'kaha_append_business_pending',
      'Sends to businesses that wait for a commit',
      () => businessSends.pending,
    );

    const reads = new ReadCommit((batch) => readPositions(positions, batch));
    const bus = await connect();
    const schema = await watchSchema(pool, logger);
    const stream = createErasureStream(bus);
    const erasures = await watchErasures({ db, stream, logger });
    closers.push('erasures', erasures.close);
    closers.push('schema check', schema.close);
    closers.push('job stats', watchJobs({ pool, metrics, logger }).close);
    closers.push('outbox stats', watchOutbox({ pool, metrics, logger }).close);
    closers.push('assignment stats', watchAssignment({ db, metrics, logger }).close);
    const timesAhead = new TimesAhead({ metrics, logger });
    closers.push('times', watchTimes({ db, timesAhead, metrics, logger }).close);

    const { editWindowMs, graceDays } = config;
    const policy = { days: retentionDays, graceDays, pooling: config.database.pooling };
    const redis = openRedis(config, logger, closers);
    const lists = createListCipher(contentKeys);
    const chatLists = redis && new ChatListCache({ redis, cipher: lists, metrics, logger });
    const presences = new AgentPresences({ redis, logger });
    if (redis !== undefined) {
      const rounds = new PresenceRounds({ db, presences, logger });
      closers.push('presence rounds', () => rounds.close());
    }
    const addresses = createAddressCipher(config.contentKeys);
    const secret = new ErasureSecret({ db, contentKeys, logger });
    const users = { presences, secret, redis, recordErasure: stream.append };
    const parts = { editWindowMs, policy, chatLists, timesAhead, metrics, logger, events };
    const kept = { db, pool, ciphers, addresses, group, businessSends, reads };
    const deps = { ...kept, ...users, ...parts };
    const servers = serveOperations(bus, createOperations(deps), erasures);
    const commits = [group, businessSends, reads];
    closers.push('operations', () => drainAll(servers, commits), DRAIN_DEADLINE_MS);
    closers.push('positions', startPositions({ bus, pool: positions }).close);
    return { problem: () => schema.problem() ?? erasures.problem() };
  });
}

function openRedis({ redisUrl }: Config, logger: Logger, closers: Closers): Redis | undefined {
  if (redisUrl === undefined) return undefined;
  const redis = connectRedis(redisUrl, logger);
  closers.push('redis', () => closeRedis(redis));
  return redis;
}

/** Services trust the shapes of each other's requests, so no body is validated here. */
type Operation = (body: unknown, deadlineAt: number) => Promise<unknown>;

function serveOperations(
  bus: Bus,
  operations: Operations,
  erasures: Pick<ErasureWatch, 'assertComplete'>,
): RpcServer[] {
  const entries = Object.entries(operations) as [string, Operation][];
  const pages = new Gate(PAGES_MAX);
  return entries.map(([op, given]) => {
    const operation = PAGES.has(op) ? gated(pages, given) : given;
    const options = {
      subject: subjects.store(op),
      queue: 'store',
      concurrencyMax: op === 'messages.append' ? APPENDS_MAX : CONCURRENCY_MAX,
    };
    return bus.serve(options, async (body, context) => {
      const deadlineAt = answerBy(context.deadlineAt, steadyMs());
      try {
        erasures.assertComplete();
        return await withDeadline(operation(body, deadlineAt), deadlineAt);
      } catch (error) {
        throw toKahaError(error);
      }
    });
  });
}

function gated(gate: Gate, operation: Operation): Operation {
  return (body, deadlineAt) =>
    gate.run(() => {
      if (deadlineAt <= steadyMs()) throw new KahaError('DATABASE_UNAVAILABLE', 'Too late');
      return operation(body, deadlineAt);
    });
}

type Commit = { idle(): Promise<void> };

async function drainAll(servers: readonly RpcServer[], commits: readonly Commit[]): Promise<void> {
  await Promise.all(servers.map((server) => server.drain()));
  await Promise.all(commits.map((commit) => commit.idle()));
}

function observeCommits(metrics: ServiceDeps['metrics'], name: string) {
  const seconds = metrics.histogram(`${name}_commit_seconds`, 'One commit of sends');
  const buckets = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const rows = metrics.histogram(`${name}_commit_rows`, 'Sends of one commit', buckets);
  return (count: number, elapsedS: number): void => {
    seconds.observe(elapsedS);
    rows.observe(count);
  };
}

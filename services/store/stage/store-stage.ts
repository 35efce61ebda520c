import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Kysely } from 'kysely';
import type { Test } from 'tap';
import { createDatabase } from '../../../dev/testing/test-servers.ts';
import type { AppendItem, AppendReply, AppendResult } from '../../../shared/contracts/append.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics, type Metrics } from '../../../shared/process/metrics.ts';
import { Pressure } from '../../../shared/process/pressure.ts';
import { createAppendWriter } from '../append/append-writer.ts';
import { createGroupCommit, type GroupCommit } from '../append/group-commit.ts';
import { AgentPresences } from '../assignment/agent-presence.ts';
import { createAddressCipher } from '../content/address-cipher.ts';
import { ContentCiphers } from '../content/content-ciphers.ts';
import type { ContentKey } from '../content/content-keys.ts';
import { ConversationKeys } from '../content/conversation-keys.ts';
import type { NoteUnreadable } from '../content/unreadable-texts.ts';
import type { ChatListCache } from '../conversations/chat-list-cache.ts';
import { openDatabase, openStoreDatabase } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import type { Pool, Pooling } from '../database/pool.ts';
import { splitPool } from '../database/pool-sizes.ts';
import type { Database } from '../database/schema.ts';
import { TimesAhead } from '../database/times-ahead.ts';
import { ErasureSecret } from '../erasures/erasure-secret.ts';
import { type BusinessSends, createBusinessSends } from '../inbox/business-sends.ts';
import { createOperations, type Operations } from '../operations.ts';
import { ReadCommit } from '../positions/read-commit.ts';
import { readPositions } from '../positions/read-positions.ts';
import type { RecordErasure } from '../reapply/erasure-record.ts';

export const silent = createLogger({
  service: 'store',
  instance: 'store-1',
  level: 'silent',
  hashKey: 'test',
});
export const contentKeys: ContentKey[] = [{ id: 'k1', key: randomBytes(32) }];

const EDIT_WINDOW_MS = 15 * 60_000;
/** A store of the stage has this many connections in all. */
export const POOL_MAX = 16;
/** A store of the stage has this many connections for changes and queries. */
export const QUERIES_MAX = splitPool(POOL_MAX).queries;

/** These are the parts of one store process, without NATS. */
export type StoreParts = {
  operations: Operations;
  group: GroupCommit;
  businessSends: BusinessSends;
  db: Kysely<Database>;
  pool: Pool;
  ciphers: ContentCiphers;
  metrics: Metrics;
  close(): Promise<void>;
};

/** The stage counts records of erasures, and keeps none. */
const records = { count: 0 };
const countRecord: RecordErasure = async () => {
  records.count += 1;
  return records.count;
};

type Options = {
  recordErasure?: RecordErasure;
  editWindowMs?: number;
  chatLists?: ChatListCache;
  redis?: Redis;
  keys?: readonly ContentKey[];
  noteUnreadable?: NoteUnreadable;
  pooling?: Pooling;
  retentionDays?: number;
  graceDays?: number;
};

export function openStore(url: string, options: Options = {}): StoreParts {
  const { editWindowMs = EDIT_WINDOW_MS, chatLists, redis, keys: own = contentKeys } = options;
  const { pooling = 'session', noteUnreadable, retentionDays = 90, graceDays = 7 } = options;
  const policy = { days: retentionDays, graceDays, pooling };
  const { recordErasure = countRecord } = options;
  const connections = { url, poolMax: POOL_MAX, pooling, retentionDays };
  const database = openStoreDatabase({ ...connections, logger: silent });
  const { db, pool, positions, close } = database;
  const metrics = createMetrics('store', 'store-1');
  const noteUse = () => undefined;
  const keys = new ConversationKeys({ db, contentKeys: own, metrics, logger: silent, noteUse });
  const reading = noteUnreadable === undefined ? {} : { noteUnreadable };
  const ciphers = new ContentCiphers({ keys, contentKeys: own, ...reading });
  const deps = { db, pool, ciphers };
  const writer = createAppendWriter({ pool: database.appends, db });
  const pressure = new Pressure();
  const group = createGroupCommit(writer, pressure);
  const ofBusinesses = { database: database.businessSends, ciphers, logger: silent };
  const businessSends = createBusinessSends(ofBusinesses);
  const reads = new ReadCommit((batch) => readPositions(positions, batch));
  const presences = new AgentPresences({ redis, logger: silent });
  const secret = new ErasureSecret({ db, contentKeys: own, logger: silent });
  const timesAhead = new TimesAhead({ metrics, logger: silent });
  return {
    operations: createOperations({
      ...deps,
      addresses: createAddressCipher(own),
      group,
      businessSends,
      reads,
      presences,
      secret,
      redis,
      recordErasure,
      timesAhead,
      editWindowMs,
      policy,
      chatLists,
      metrics,
      logger: silent,
    }),
    group,
    businessSends,
    db,
    pool,
    ciphers,
    metrics,
    close,
  };
}

type Stage = {
  url: string;
  /** The stage opens the first store; `open` makes more stores on the same database. */
  store: StoreParts;
  open(): StoreParts;
  sql<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
};

/** The stage has a migrated database of its own; its parts close with the test. */
export async function setStage(t: Test): Promise<Stage> {
  const database = await createDatabase();
  const opened: StoreParts[] = [];
  const open = (): StoreParts => {
    const store = openStore(database.url);
    opened.push(store);
    return store;
  };
  const own = openDatabase({ url: database.url, poolMax: 2, logger: silent });
  await migrate(own.db);
  t.teardown(async () => {
    for (const store of opened) await store.close();
    await own.close();
    await database.drop();
  });
  const sql = <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
    own.pool.query<Row>(text, values);
  return { url: database.url, store: open(), open, sql };
}

type Talk = { id: ConversationId; alice: UserId; bina: UserId };

export async function createTalk({ operations }: StoreParts): Promise<Talk> {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const conversation = { type: 'direct' as const, participant_ids: [bina] };
  const { record } = await operations['conversations.create']({ user_id: alice, conversation }, 0);
  return { id: record.conversation_id, alice, bina };
}

export async function createGroup(store: StoreParts, userIds: UserId[]): Promise<ConversationId> {
  const [user_id] = userIds as [UserId];
  const conversation = { type: 'group' as const, participant_ids: userIds };
  const { record } = await store.operations['conversations.create']({ user_id, conversation }, 0);
  return record.conversation_id;
}

export function letter(user_id: UserId, content = 'hello'): AppendItem {
  return { user_id, client_msg_id: newId<string>() as string, content };
}

const DEADLINE_MS = 5_000;

export function append(
  { operations }: StoreParts,
  conversation_id: ConversationId,
  items: AppendItem[],
): Promise<AppendReply> {
  return operations['messages.append']({ conversation_id, items }, steadyMs() + DEADLINE_MS);
}

/** The call returns the results of sends and throws unless all of them are `ok`. */
export async function appendOk(
  store: StoreParts,
  conversationId: ConversationId,
  items: AppendItem[],
) {
  const { results } = await append(store, conversationId, items);
  return results.map((result) => {
    if (!result.ok) throw new Error(`refused: ${result.error.code} ${result.error.message}`);
    return result;
  });
}

/** The result is the code of a refusal, or undefined if the message was written. */
export function codeOf(result: AppendResult | undefined): string | undefined {
  return result?.ok === false ? result.error.code : undefined;
}

import type { Kysely } from 'kysely';
import type { Logger } from '../../../shared/process/logger.ts';
import { ensurePartitions } from '../database/ensure-partitions.ts';
import { createPool } from '../database/pool.ts';
import type { Database } from '../database/schema.ts';
import { appendMessages } from './append-messages.ts';
import { LOCKED_LANES_MAX } from './locked-lane.ts';
import type { BatchWriter } from './settle-batch.ts';

type Options = { url: string; keyId: string; db: Kysely<Database>; logger: Logger };

/** One connection for the main lane, the others for conversations that wait for a lock. */
const CONNECTIONS_MAX = 1 + LOCKED_LANES_MAX;
/**
 * Every statement that writes finds its rows by primary key. Plans are made once per connection,
 * perhaps while tables are empty: these settings keep them right when the tables have grown.
 */
export const LEAN_PLANS = [
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'lock_timeout=500',
];

/** Its one join is of a batch with the conversations that it locked, by primary key. */
const APPEND_PLANS = [...LEAN_PLANS, 'enable_hashjoin=off', 'enable_mergejoin=off'];

/** The connections that append; apart from the reads, so that neither waits for the other. */
export function openAppendWriter({ url, keyId, db, logger }: Options): BatchWriter & {
  close(): Promise<void>;
} {
  const pool = createPool({ url, max: CONNECTIONS_MAX, settings: APPEND_PLANS, logger });
  return {
    write: (messages, wait) => appendMessages(pool, messages, { keyId, wait }),
    ensurePartitions: () => ensurePartitions(db, 1),
    close: () => pool.end(),
  };
}

import type { ConversationId, JobId } from '../../../shared/ids.ts';

/** The hash of a user is made with this secret, which a content key wraps. Both are base64. */
type Hashed = { hash: string; secret: { key_id: string; wrapped: string } };

/**
 * NATS keeps a record of each erasure apart from Postgres, so that a database that was restored
 * from a backup learns what was erased since. A user is in it by a keyed hash alone.
 */
export type ErasureRecord = { job_id: JobId; service: string } & (
  | ({ kind: 'erase_user' } & Hashed)
  | { kind: 'erase_content'; conversation_id: ConversationId }
);

/** Stores the record, and resolves with its number once it is stored. */
export type RecordErasure = (record: ErasureRecord) => Promise<number>;

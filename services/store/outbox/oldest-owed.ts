import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';

/** An answer that is younger than this is given again. */
const FRESH_MS = 500;
/**
 * A transaction that writes the outbox ends sooner than this: each of its statements ends within
 * 1.4 s. Its row is not visible before, and is then as old as its transaction.
 */
const TRANSACTION_MAX_S = 10;

/**
 * The call resolves with a time: every event that happened before it is struck off the outbox, or
 * is in the outbox and not older. The time is at most 10 s behind the clock if nothing is owed.
 */
export function createOldestOwed(db: Kysely<Database>): () => Promise<string> {
  let answer = '';
  let answeredAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const nowMs = performance.now();
    if (nowMs - answeredAtMs < FRESH_MS) return answer;
    const { rows } = await sql<{ at: string }>`
      select least(oldest_owed(), now() - make_interval(secs => ${TRANSACTION_MAX_S})) as at
    `.execute(db);
    answer = (rows[0] as { at: string }).at;
    answeredAtMs = nowMs;
    return answer;
  };
}

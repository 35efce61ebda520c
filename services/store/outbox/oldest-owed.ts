import { type Kysely, sql } from 'kysely';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Database } from '../database/schema.ts';

/** An answer that is younger than this is given again. */
const FRESH_MS = 500;

/**
 * The call resolves with a time: the feed has every event that happened before it, but for those
 * that cannot be read. The time is 10 s behind the clock if the feed lacks nothing and no
 * transaction is open. An answer stays true, so each look begins at the last one; see
 * `oldest_unfed` in migration 0010.
 */
export function createOldestOwed(db: Kysely<Database>): () => Promise<string> {
  let answer: string | undefined;
  let answeredAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const nowMs = steadyMs();
    if (answer !== undefined && nowMs - answeredAtMs < FRESH_MS) return answer;
    const { rows } = await sql<{ at: string }>`
      select oldest_unfed(${answer ?? null}::timestamptz) as at`.execute(db);
    answer = (rows[0] as { at: string }).at;
    answeredAtMs = nowMs;
    return answer;
  };
}

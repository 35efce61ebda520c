import { KahaError } from '../../../shared/errors.ts';

/** Nothing a store does may take longer. */
export const STORE_DEADLINE_MS = 2_000;
/** The answer must still travel before the caller gives up. */
const ANSWER_MARGIN_MS = 100;

/** When to have answered, in epoch ms. */
export function answerBy(callerDeadlineAt: number, nowMs: number): number {
  return Math.min(callerDeadlineAt, nowMs + STORE_DEADLINE_MS) - ANSWER_MARGIN_MS;
}

/** Rejects DATABASE_UNAVAILABLE at `deadlineAt`; the work itself ends by the pool's timeouts. */
export async function withDeadline<Value>(
  work: Promise<Value>,
  deadlineAt: number,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const expire = (): void =>
      reject(new KahaError('DATABASE_UNAVAILABLE', 'The database does not answer'));
    timer = setTimeout(expire, Math.max(deadlineAt - Date.now(), 1));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

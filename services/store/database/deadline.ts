import { KahaError } from '../../../shared/errors.ts';
import { steadyMs } from '../../../shared/process/clock.ts';

/** No operation of a store may take longer than this. */
const STORE_DEADLINE_MS = 2_000;
/** A store answers this much before the deadline, because the answer must still travel. */
const ANSWER_MARGIN_MS = 100;

/** A store must have answered by this time. Times are by `steadyMs`. */
export function answerBy(callerDeadlineAt: number, nowMs: number): number {
  return Math.min(callerDeadlineAt, nowMs + STORE_DEADLINE_MS) - ANSWER_MARGIN_MS;
}

/**
 * The promise rejects with DATABASE_UNAVAILABLE at `deadlineAt`. The work itself goes on until the
 * timeouts of the pool end it.
 */
export async function withDeadline<Value>(
  work: Promise<Value>,
  deadlineAt: number,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const expire = (): void =>
      reject(new KahaError('DATABASE_UNAVAILABLE', 'The database does not answer'));
    timer = setTimeout(expire, Math.max(deadlineAt - steadyMs(), 1));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

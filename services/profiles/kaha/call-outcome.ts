import { TaskCancelledError } from 'cockatiel';
import { MalformedAnswerError } from './kaha-answer.ts';
import { AnswerTooLargeError, KahaRefusedError, KahaUnreachableError } from './kaha-client.ts';

/** The label `outcome` of `kaha_profiles_calls_total` has these values. */
export type CallOutcome =
  | 'ok'
  /** kaha-main-v3 does not take the service token: the status is 401 or 403. */
  | 'unauthenticated'
  /** The status is 429. */
  | 'rate_limited'
  /** The status is 500 or more. */
  | 'server_error'
  /** The status is another one than 200. */
  | 'refused'
  /** The answer is larger than 1 MiB. */
  | 'too_large'
  /** The answer is no JSON, or has no lists. */
  | 'malformed'
  | 'timeout'
  /** The connection failed. */
  | 'failed';

export function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof KahaRefusedError) return outcomeOfStatus(error.status);
  if (error instanceof AnswerTooLargeError) return 'too_large';
  if (error instanceof MalformedAnswerError) return 'malformed';
  if (error instanceof KahaUnreachableError) return error.isLate ? 'timeout' : 'failed';
  const isLate = error instanceof TaskCancelledError || (error as Error).name === 'AbortError';
  return isLate ? 'timeout' : 'failed';
}

function outcomeOfStatus(status: number): CallOutcome {
  if (status === 401 || status === 403) return 'unauthenticated';
  if (status === 429) return 'rate_limited';
  return status >= 500 ? 'server_error' : 'refused';
}

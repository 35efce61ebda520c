import { retryAfterOf } from '../failure-of.ts';
import type { PushAnswer } from '../provider.ts';

/**
 * Reads the status of a push service (RFC 8030). Its body is a stranger's and decides nothing. A
 * redirect is not followed.
 */
export function webPushAnswer(
  { status, retryAfter }: { status: number; retryAfter: string | undefined },
  wallMs: number,
): PushAnswer {
  const pause = retryAfterOf(retryAfter, wallMs);
  if (status >= 200 && status < 300) return { kind: 'taken' };
  if (status === 404 || status === 410) return { kind: 'gone' };
  if (status === 413) return { kind: 'too_large' };
  if (status === 429) return { kind: 'slow_down', ...pause };
  if (status === 401 || status === 403) return { kind: 'our_fault', reason: String(status) };
  if (status >= 500) return { kind: 'unavailable', reason: '5xx', ...pause };
  return { kind: 'refused', reason: status >= 300 && status < 400 ? 'redirect' : '4xx' };
}

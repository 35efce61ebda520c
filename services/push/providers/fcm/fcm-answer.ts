import { retryAfterOf } from '../failure-of.ts';
import type { PushAnswer } from '../provider.ts';

export type FcmResponse = { status: number; retryAfter: string | undefined; body: string };

const TOO_BIG = /too (?:big|large)/i;

/**
 * Reads an answer of FCM: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode. Its own
 * code stands in the details of the error. `INVALID_ARGUMENT` may mean the token or anything
 * else, so it removes no registration.
 */
export function fcmAnswer({ status, retryAfter, body }: FcmResponse, wallMs: number): PushAnswer {
  if (status === 200) return { kind: 'taken' };
  const { code, message } = parse(body);
  const pause = retryAfterOf(retryAfter, wallMs);
  if (code === 'UNREGISTERED' || (status === 404 && code === '')) return { kind: 'gone' };
  if (code === 'QUOTA_EXCEEDED' || status === 429) return { kind: 'slow_down', ...pause };
  if (code === 'SENDER_ID_MISMATCH') return { kind: 'refused', reason: code };
  if (code === 'THIRD_PARTY_AUTH_ERROR') return { kind: 'our_fault', reason: code };
  if (status === 401 || status === 403 || status === 404) {
    return { kind: 'our_fault', reason: String(status) };
  }
  if (status >= 500) return { kind: 'unavailable', reason: String(status), ...pause };
  if (status === 413 || TOO_BIG.test(message)) return { kind: 'too_large' };
  return { kind: 'refused', reason: code === 'INVALID_ARGUMENT' ? code : 'other' };
}

type Detail = { '@type'?: unknown; errorCode?: unknown };

function parse(body: string): { code: string; message: string } {
  try {
    const { error } = JSON.parse(body) as {
      error: { status?: unknown; message?: unknown; details?: Detail[] };
    };
    const own = error.details?.find(({ errorCode }) => typeof errorCode === 'string')?.errorCode;
    return {
      code: String(own ?? (error.status === 'NOT_FOUND' ? '' : (error.status ?? ''))),
      message: String(error.message ?? ''),
    };
  } catch {
    return { code: 'UNREADABLE', message: '' };
  }
}

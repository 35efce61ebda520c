import { retryAfterOf } from '../failure-of.ts';
import type { PushAnswer } from '../provider.ts';

export type ApnsResponse = {
  status: number;
  retryAfter: string | undefined;
  /** `reason` and `timestamp` are those of the body. */
  body: string;
};

/** APNs blames our token, our topic or our request, so no other push would fare better. */
const OUR_FAULTS = new Set([
  ...['BadCertificate', 'BadCertificateEnvironment', 'ExpiredProviderToken', 'Forbidden'],
  ...[
    'InvalidProviderToken',
    'MissingProviderToken',
    'TopicDisallowed',
    'MissingTopic',
    'BadTopic',
  ],
  ...['UnrelatedKeyIdInToken', 'BadEnvironmentKeyIdInToken'],
]);
const TOO_MANY = new Set(['TooManyRequests', 'TooManyProviderTokenUpdates']);
const AWAY = new Set(['InternalServerError', 'ServiceUnavailable', 'Shutdown', 'IdleTimeout']);

/**
 * Reads an answer of APNs, as Apple's "Handling notification responses from APNs" explains it. The
 * token of a device that was meant for the other environment is answered `BadDeviceToken`.
 */
export function apnsAnswer({ status, retryAfter, body }: ApnsResponse, wallMs: number): PushAnswer {
  if (status === 200) return { kind: 'taken' };
  const { reason, ...since } = parse(body);
  const pause = retryAfterOf(retryAfter, wallMs);
  if (status === 410) return { kind: 'gone', ...since };
  if (reason === 'BadDeviceToken') return { kind: 'wrong_environment' };
  if (status === 413) return { kind: 'too_large' };
  if (status === 429 || TOO_MANY.has(reason)) return { kind: 'slow_down', ...pause };
  if (OUR_FAULTS.has(reason)) return { kind: 'our_fault', reason };
  if (status === 403) return { kind: 'our_fault', reason: 'other' };
  if (status >= 500) {
    return { kind: 'unavailable', reason: AWAY.has(reason) ? reason : String(status), ...pause };
  }
  const isKnown = reason === 'DeviceTokenNotForTopic';
  return { kind: 'refused', reason: isKnown ? reason : 'other' };
}

function parse(body: string): { reason: string; sinceMs?: number } {
  try {
    const { reason, timestamp } = JSON.parse(body) as Record<string, unknown>;
    return {
      reason: typeof reason === 'string' ? reason : '',
      ...(typeof timestamp === 'number' && { sinceMs: timestamp }),
    };
  } catch {
    return { reason: '' };
  }
}

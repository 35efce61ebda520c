import type { PushAnswer } from './provider.ts';

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY|DECODE)|ALTNAME|HOSTNAME_MISMATCH/;
/** These come before anything was sent, so the provider has surely not taken the push. */
const UNSENT = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT/;
const LATE = /TIMEOUT|TimeoutError|AbortError/;

/**
 * Makes an answer of an error that came instead of one. Its reason is one of a few words, because
 * it is the label of a metric.
 */
export function failureOf(error: unknown): PushAnswer {
  const what = [error, (error as Error).cause].map(codeOf).join(' ');
  if (CERTIFICATE.test(what)) return { kind: 'unavailable', reason: 'certificate' };
  if (UNSENT.test(what)) return { kind: 'unavailable', reason: 'connect' };
  if (LATE.test(what)) return { kind: 'lost', reason: 'timeout' };
  return { kind: 'lost', reason: 'connection' };
}

function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : String(name ?? '');
}

/** Reads `Retry-After`, which is a number of seconds or a date. */
export function retryAfterOf(value: string | undefined, wallMs: number): { retryAfterMs?: number } {
  if (value === undefined || value === '') return {};
  const seconds = Number(value);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - wallMs;
  return retryAfterMs > 0 ? { retryAfterMs } : {};
}

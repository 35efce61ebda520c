import t from 'tap';
import { failureOf, retryAfterOf } from './failure-of.ts';

const failing = (code: string) => failureOf(Object.assign(new Error('x'), { code }));

t.test('a failure is told by a few words, and whether the push may have been taken', async (t) => {
  t.same(failing('DEPTH_ZERO_SELF_SIGNED_CERT'), { kind: 'unavailable', reason: 'certificate' });
  t.same(failing('ERR_TLS_CERT_ALTNAME_INVALID'), { kind: 'unavailable', reason: 'certificate' });
  t.same(failing('ECONNREFUSED'), { kind: 'unavailable', reason: 'connect' });
  t.same(failing('UND_ERR_CONNECT_TIMEOUT'), { kind: 'unavailable', reason: 'connect' });
  t.same(failing('UND_ERR_HEADERS_TIMEOUT'), { kind: 'lost', reason: 'timeout' });
  t.same(failing('ECONNRESET'), { kind: 'lost', reason: 'connection' });
  t.same(failureOf(new DOMException('x', 'TimeoutError')), { kind: 'lost', reason: 'timeout' });
  t.same(failureOf('x'), { kind: 'lost', reason: 'connection' });
});

t.test('a pause is a number of seconds or a date, and nothing else', async (t) => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  t.same(retryAfterOf('2', nowMs), { retryAfterMs: 2_000 });
  t.same(retryAfterOf('Thu, 01 Jan 2026 00:00:05 GMT', nowMs), { retryAfterMs: 5_000 });
  for (const value of [undefined, '', 'soon', '-1', '0', 'Wed, 31 Dec 2025 00:00:00 GMT']) {
    t.same(retryAfterOf(value, nowMs), {});
  }
});

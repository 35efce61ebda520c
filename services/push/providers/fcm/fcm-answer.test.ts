import t from 'tap';
import { fcmAnswer } from './fcm-answer.ts';

const TYPE = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const bodyOf = (status: string, errorCode?: string, message = '') =>
  JSON.stringify({
    error: { status, message, ...(errorCode && { details: [{ '@type': TYPE, errorCode }] }) },
  });
const read = (status: number, body = '', retryAfter?: string) =>
  fcmAnswer({ status, retryAfter, body }, 0);

t.test('each answer of FCM decides', async (t) => {
  t.same(read(200, '{}'), { kind: 'taken' });
  t.same(read(404, bodyOf('NOT_FOUND', 'UNREGISTERED')), { kind: 'gone' });
  t.same(read(404, bodyOf('NOT_FOUND')), { kind: 'gone' });
  t.same(read(429, bodyOf('RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'), '60'), {
    ...{ kind: 'slow_down', retryAfterMs: 60_000 },
  });
  t.same(read(503, bodyOf('UNAVAILABLE', 'UNAVAILABLE'), '2'), {
    ...{ kind: 'unavailable', reason: '503', retryAfterMs: 2_000 },
  });
  t.same(read(500, bodyOf('INTERNAL', 'INTERNAL')), { kind: 'unavailable', reason: '500' });
  t.same(read(400, bodyOf('INVALID_ARGUMENT', undefined, 'Android message is too big')), {
    kind: 'too_large',
  });
});

t.test('faults that are not the registration keep it', async (t) => {
  t.same(read(400, bodyOf('INVALID_ARGUMENT', 'INVALID_ARGUMENT')).kind, 'refused');
  t.same(read(403, bodyOf('PERMISSION_DENIED', 'SENDER_ID_MISMATCH')).kind, 'refused');
  t.same(read(401, bodyOf('UNAUTHENTICATED')).kind, 'our_fault');
  t.same(read(401, bodyOf('UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR')).kind, 'our_fault');
  t.same(read(403, bodyOf('PERMISSION_DENIED')).kind, 'our_fault');
  t.same(read(404, '<html>a proxy</html>').kind, 'our_fault', 'a wrong address is our fault');
});

t.test('what nobody can read is no reason to delete', async (t) => {
  for (const body of ['', '{', 'null', '[]', '{"error":7}', '{"error":{"details":7}}']) {
    t.equal(read(400, body).kind, 'refused', body);
    t.equal(read(502, body).kind, 'unavailable', body);
  }
});

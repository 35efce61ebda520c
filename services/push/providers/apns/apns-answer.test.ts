import t from 'tap';
import { apnsAnswer } from './apns-answer.ts';

const read = (status: number, body: unknown = '', retryAfter?: string) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return apnsAnswer({ status, retryAfter, body: text }, 0);
};

t.test('each answer of APNs decides', async (t) => {
  t.same(read(200), { kind: 'taken' });
  t.same(read(410, { reason: 'Unregistered', timestamp: 1_454 }), { kind: 'gone', sinceMs: 1_454 });
  t.same(read(410, { reason: 'ExpiredToken' }), { kind: 'gone' });
  t.same(read(400, { reason: 'BadDeviceToken' }), { kind: 'wrong_environment' });
  t.same(read(400, { reason: 'DeviceTokenNotForTopic' }), {
    ...{ kind: 'refused', reason: 'DeviceTokenNotForTopic' },
  });
  t.same(read(413, { reason: 'PayloadTooLarge' }), { kind: 'too_large' });
  t.same(read(429, { reason: 'TooManyRequests' }, '3'), { kind: 'slow_down', retryAfterMs: 3_000 });
  t.same(read(503, { reason: 'Shutdown' }, '1'), {
    ...{ kind: 'unavailable', reason: 'Shutdown', retryAfterMs: 1_000 },
  });
  t.same(read(500, { reason: 'InternalServerError' }), {
    ...{ kind: 'unavailable', reason: 'InternalServerError' },
  });
});

t.test('our own faults are told, and keep the registration', async (t) => {
  for (const reason of ['InvalidProviderToken', 'ExpiredProviderToken', 'TopicDisallowed']) {
    t.same(read(403, { reason }), { kind: 'our_fault', reason });
  }
  t.same(read(403, 'no JSON'), { kind: 'our_fault', reason: 'other' });
});

t.test('what nobody has documented harms no registration', async (t) => {
  for (const body of ['', '{', 'null', '[]', '{"reason":7}', '{"reason":"Unheard"}']) {
    t.same(read(400, body), { kind: 'refused', reason: 'other' }, body);
    t.same(read(599, body), { kind: 'unavailable', reason: '599' }, body);
  }
});

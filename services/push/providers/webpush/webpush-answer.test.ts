import t from 'tap';
import { webPushAnswer } from './webpush-answer.ts';

const read = (status: number, retryAfter?: string) => webPushAnswer({ status, retryAfter }, 0);

t.test('each status of a push service decides', async (t) => {
  for (const status of [200, 201, 202, 204]) t.same(read(status), { kind: 'taken' });
  for (const status of [404, 410]) t.same(read(status), { kind: 'gone' });
  t.same(read(413), { kind: 'too_large' });
  t.same(read(429, '7'), { kind: 'slow_down', retryAfterMs: 7_000 });
  for (const status of [401, 403]) t.equal(read(status).kind, 'our_fault');
  for (const status of [500, 503, 599]) t.equal(read(status).kind, 'unavailable');
});

t.test('a redirect is refused, and so is what nobody expects', async (t) => {
  for (const status of [301, 302, 307, 308]) {
    t.same(read(status), { kind: 'refused', reason: 'redirect' });
  }
  for (const status of [400, 405, 418]) t.same(read(status), { kind: 'refused', reason: '4xx' });
});

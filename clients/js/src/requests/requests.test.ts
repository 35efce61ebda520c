import t from 'tap';
import type { Request } from '../protocol/frames.ts';
import { VirtualPlatform } from '../stage/virtual-platform.ts';
import { createRequests } from './requests.ts';

function scene(isOpen = true) {
  const virtual = new VirtualPlatform();
  const sent: Request[] = [];
  const send = (frame: { type: string }): boolean => {
    sent.push(frame as Request);
    return isOpen;
  };
  return { virtual, sent, requests: createRequests({ platform: virtual.platform, send }) };
}

t.test('each answer goes to the one who asked', async (t) => {
  const { requests, sent, virtual } = scene();
  const answers = [requests.ask({ type: 'history' }), requests.ask({ type: 'inbox' })];
  t.same(
    sent.map(({ id }) => id),
    [1, 2],
  );
  t.ok(requests.take({ id: 2, data: 'two' }));
  t.ok(requests.take({ id: 1, data: 'one' }));
  t.same(await Promise.all(answers), ['one', 'two']);
  t.equal(virtual.timers, 0);
  t.notOk(requests.take({ id: 1, data: 'again' }));
  t.notOk(requests.take({ error: { code: 'INTERNAL', message: 'of no request' } }));
});

t.test('an error of the server has its code, details and time to wait', async (t) => {
  const { requests } = scene();
  const asking = requests.ask({ type: 'assign' });
  const error = { code: 'RATE_LIMITED', message: 'slow down', details: { a: 1 }, retry_after: 1.5 };
  requests.take({ id: 1, error });
  await t.rejects(asking, { code: 'RATE_LIMITED', details: { a: 1 }, retryAfterMs: 1_500 });
  t.match(await asking.catch((thrown: unknown) => thrown), { isRetryable: true });
});

t.test('a request without an answer ends after 10 s', async (t) => {
  const { requests, virtual } = scene();
  const asking = t.rejects(requests.ask({ type: 'history' }), { code: 'TIMEOUT' });
  await virtual.pass(10_000);
  await asking;
});

t.test('the end of the session ends all requests', async (t) => {
  const { requests } = scene();
  const asking = [1, 2, 3].map(() => requests.ask({ type: 'history' }));
  requests.fail();
  const codes = asking.map((one) => one.catch((error: { code: string }) => error.code));
  t.same(await Promise.all(codes), ['DISCONNECTED', 'DISCONNECTED', 'DISCONNECTED']);
  await t.rejects(scene(false).requests.ask({ type: 'history' }), { code: 'DISCONNECTED' });
});

t.test('a request beyond the bound is refused', async (t) => {
  const { requests, sent } = scene();
  const asking = Array.from({ length: 256 }, () => requests.ask({ type: 'history' }));
  await t.rejects(requests.ask({ type: 'history' }), { code: 'TOO_MANY_REQUESTS' });
  t.equal(sent.length, 256);
  requests.fail();
  await Promise.allSettled(asking);
});

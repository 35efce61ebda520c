import t from 'tap';
import type { PushAnswer, PushRegistration } from '../providers/provider.ts';
import { beginStanding, judgeAnswer, judgeRefusal, type Standing } from './judge-answer.ts';

const terms = { retriesMax: 5, withinMs: 900_000, firstWaitMs: 1_000 };
const APNS: PushRegistration = {
  ...{ provider: 'apns', token: 'aa', topic: 'app', environment: 'production' },
  registeredAtMs: 1_000,
};
const FCM: PushRegistration = { provider: 'fcm', token: 'x', registeredAtMs: 1_000 };
const judge = (
  answer: PushAnswer,
  standing: Standing = beginStanding(APNS, 0),
  { nowMs = 0, random = (): number => 0 } = {},
) => judgeAnswer(standing, answer, { nowMs, random, terms });
const droppedAs = (reason: string) => ({ kind: 'done', outcome: { kind: 'dropped', reason } });

t.test('five retries wait ever longer, and the sixth failure drops the push', async (t) => {
  for (const kind of ['unavailable', 'lost', 'slow_down'] as const) {
    let standing = beginStanding(FCM, 0);
    const waits: number[] = [];
    for (;;) {
      const verdict = judge({ kind, reason: 'x' }, standing, { random: () => 1 });
      if (verdict.kind === 'done') {
        t.same(verdict, droppedAs(kind));
        break;
      }
      waits.push(verdict.waitMs);
      standing = verdict.standing;
    }
    t.same(waits, [1_000, 4_000, 16_000, 64_000, 256_000]);
  }
});

t.test('two pushes that failed at one time do not come back at one time', async (t) => {
  const waits = [0, 0.5, 1].map((part) => {
    const verdict = judge({ kind: 'lost', reason: 'x' }, undefined, { random: () => part });
    return verdict.kind === 'again' && verdict.waitMs;
  });
  t.same(waits, [500, 750, 1_000]);
});

t.test('a pause that the provider asks for is kept, and not one that is too long', async (t) => {
  const asked = (retryAfterMs: number) => judge({ kind: 'slow_down', retryAfterMs });
  t.match(asked(30_000), { kind: 'again', waitMs: 30_000 });
  t.match(asked(1), { kind: 'again', waitMs: 500 });
  t.match(asked(900_001), droppedAs('slow_down'));
});

t.test('nothing is tried again after 15 minutes', async (t) => {
  const late = { nowMs: 899_700 };
  t.match(judge({ kind: 'unavailable', reason: 'x' }, undefined, late), droppedAs('unavailable'));
  const moment = { nowMs: 899_000, random: () => 0, terms };
  t.match(judgeRefusal(beginStanding(FCM, 0), 2_000, moment), droppedAs('unavailable'));
  t.match(judgeRefusal(beginStanding(FCM, 0), 900, moment), { kind: 'again', waitMs: 900 });
});

t.test('a host that is not asked costs no retry', async (t) => {
  const verdict = judgeRefusal(beginStanding(FCM, 0), 10, { nowMs: 0, random: () => 0, terms });
  t.match(verdict, { kind: 'again', standing: { retries: 0 } });
});

t.test('a registration is gone, unless it was registered after it ended', async (t) => {
  t.same(judge({ kind: 'gone' }), droppedAs('gone'));
  t.same(judge({ kind: 'gone', sinceMs: 1_000 }), droppedAs('gone'));
  t.same(judge({ kind: 'gone', sinceMs: 999 }), droppedAs('gone_before'));
});

t.test(
  'the other environment is tried once, at once, and is told if it was the right one',
  async (t) => {
    const first = judge({ kind: 'wrong_environment' });
    t.match(first, { kind: 'again', waitMs: 0, standing: { retries: 0 } });
    if (first.kind !== 'again') return;
    t.match(first.standing.registration, { environment: 'sandbox' });
    const outcome = { kind: 'sent', environment: 'sandbox' };
    t.same(judge({ kind: 'taken' }, first.standing), { kind: 'done', outcome });
    t.same(judge({ kind: 'wrong_environment' }, first.standing), droppedAs('gone'));
  },
);

t.test('a push that is too large is shortened once', async (t) => {
  const first = judge({ kind: 'too_large' });
  t.match(first, { kind: 'again', waitMs: 0, standing: { isShort: true } });
  if (first.kind === 'again') {
    t.same(judge({ kind: 'too_large' }, first.standing), droppedAs('too_large'));
  }
});

t.test('faults of ours and refusals are final, and keep the registration', async (t) => {
  t.same(judge({ kind: 'our_fault', reason: 'x' }), droppedAs('our_fault'));
  t.same(judge({ kind: 'refused', reason: 'x' }), droppedAs('refused'));
  t.same(judge({ kind: 'taken' }), { kind: 'done', outcome: { kind: 'sent' } });
});

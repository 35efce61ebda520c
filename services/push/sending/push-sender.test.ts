import t, { type Test } from 'tap';
import { isSoak } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import type { PushOutcome } from '../providers/provider.ts';
import { alert, deviceOf, type PushStage, setPush } from '../stage/push-stage.ts';

const BURST = isSoak ? 500 : 30;
const AFTER = Math.floor(BURST / 3);
const SOON_OVER = { retriesMax: 1, withinMs: 5_000, firstWaitMs: 10 };
const NO_CIRCUIT = { failures: 1_000, firstMs: 0, longestMs: 0 };
const PROVIDERS = ['apns', 'fcm', 'webpush'] as const;
type Provider = (typeof PROVIDERS)[number];

/** Sends a burst to as many devices, and tells what became of each push and what devices got. */
function burst(stage: PushStage, provider: Provider, count = BURST) {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const registration = stage.registration(provider);
      const push = alert({ body: `number ${index}` });
      const outcome = await stage.sender.send(registration, () => push);
      return { outcome, push, noted: stage.standIn.log.of(deviceOf(registration)) };
    }),
  );
}

type Sent = Awaited<ReturnType<typeof burst>>;

function nameOf(outcome: PushOutcome): string {
  return outcome.kind === 'dropped' ? outcome.reason : outcome.kind;
}

function countOf(sent: Sent): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of sent) counts[nameOf(outcome)] = (counts[nameOf(outcome)] ?? 0) + 1;
  return counts;
}

/** A device shows the last push of a key, so it shows one however often that came. */
function compareShown(t: Test, sent: Sent, what: string): void {
  const wrong = sent.filter(({ noted, push }) => {
    return noted.length === 0 || noted.some(({ key }) => key !== push.thread);
  });
  t.equal(wrong.length, 0, `each device shows its push once: ${what}`);
}

/** These faults pass, and begin amid the burst. */
const PASSING = [
  { mode: 'limited', calls: 5, retry_after_s: 0 },
  { mode: 'error', calls: 5, retry_after_s: 0 },
  { mode: 'unavailable', calls: 5, retry_after_s: 0 },
  { mode: 'slow', calls: 5, delay_ms: 100 },
  { mode: 'hang', calls: 2 },
  { mode: 'freeze', calls: 1 },
  { mode: 'reset', calls: 1 },
  { mode: 'lost', calls: 1 },
  { mode: 'goaway', calls: 2 },
] as const;

/** Does the same with all providers at once. */
function withAll<Result>(act: (provider: Provider) => Promise<Result>): Promise<Result[]> {
  return Promise.all(PROVIDERS.map(act));
}

t.test('a fault amid a burst loses no push and shows none twice', async (t) => {
  const stage = await setPush(t, { tryMs: isSoak ? 2_000 : 500 });
  for (const fault of PASSING) {
    await withAll((provider) => stage.control({ provider, after: AFTER, ...fault }));
    await withAll(async (provider) => {
      const sent = await burst(stage, provider);
      t.same(countOf(sent), { sent: BURST }, `${provider} ${fault.mode}`);
      compareShown(t, sent, `${provider} ${fault.mode}`);
    });
  }
});

t.test('what does not pass is given up, and counted by its reason', async (t) => {
  const terms = { retries: SOON_OVER, circuit: NO_CIRCUIT };
  const compare = async (stage: PushStage, mode: string, reason: string) => {
    await stage.control({ mode, retry_after_s: 0 });
    await withAll(async (provider) => {
      t.same(countOf(await burst(stage, provider, 5)), { [reason]: 5 }, `${provider} ${mode}`);
    });
    t.same(stage.standIn.log.of(), []);
  };
  const patient = await setPush(t, { tryMs: 10_000, terms });
  await compare(patient, 'limited', 'slow_down');
  await compare(patient, 'error', 'unavailable');
  await compare(patient, 'reset', 'lost');
  await compare(await setPush(t, { tryMs: 100, terms }), 'hang', 'lost');
});

t.test('a wrong certificate gets no push, and the right one all', async (t) => {
  const stage = await setPush(t);
  await stage.control({ mode: 'certificate' });
  const sending = withAll((provider) => burst(stage, provider, 10));
  await until('the certificate was refused', async () => {
    const answers = await stage.answers();
    return PROVIDERS.every((name) => answers[`${name} unavailable certificate`]);
  });
  t.same(stage.standIn.log.of(), []);
  await stage.control({ mode: 'ok' });
  t.same((await sending).map(countOf), [{ sent: 10 }, { sent: 10 }, { sent: 10 }]);
});

t.test('registrations that are gone go, but never all at once', async (t) => {
  const stage = await setPush(t);
  await withAll(async (provider) => {
    await stage.control({ provider, mode: 'gone', calls: 3 });
    t.same(countOf(await burst(stage, provider, 10)), { gone: 3, sent: 7 });
    await stage.control({ provider, mode: 'gone' });
    t.same(countOf(await burst(stage, provider, 40)), { gone: 17, pruning_stopped: 23 });
  });
  t.match(stage.lines.join(''), /too many registrations/);
});

t.test('our own fault keeps the registration, and is told once', async (t) => {
  const stage = await setPush(t);
  await stage.control({ mode: 'refused' });
  await withAll(async (provider) => {
    t.same(countOf(await burst(stage, provider, 10)), { our_fault: 10 });
    t.equal(stage.sender.openCircuits(provider), 0);
  });
  t.equal(stage.lines.filter((line) => line.includes('refuses our keys')).length, 3);
});

t.test('a push that is too large says that there is a message', async (t) => {
  const stage = await setPush(t);
  await withAll(async (provider) => {
    const [one, other] = [stage.registration(provider), stage.registration(provider)];
    const large = alert({ body: 'x'.repeat(5_000) });
    t.same(await stage.sender.send(one, () => large), { kind: 'sent' });
    await stage.control({ provider, mode: 'too_large', calls: 1 });
    t.same(await stage.sender.send(other, () => alert()), { kind: 'sent' });
  });
  const text = JSON.stringify(stage.standIn.log.of());
  t.equal(text.match(/New message/g)?.length, 6);
  t.notMatch(text, /xxx|Hello|Asha/);
});

t.test('a provider that hangs starves no other', async (t) => {
  const stage = await setPush(t, { tryMs: 1_000, terms: { concurrencyMax: 4 } });
  await stage.control({ provider: 'fcm', mode: 'hang' });
  const hanging = burst(stage, 'fcm', 10);
  await until('pushes wait', () => stage.sender.waiting('fcm') === 10);
  const well = await Promise.all([burst(stage, 'apns', 20), burst(stage, 'webpush', 20)]);
  t.same(well.map(countOf), [{ sent: 20 }, { sent: 20 }]);
  await stage.control({ provider: 'fcm', mode: 'ok' });
  t.same(countOf(await hanging), { sent: 10 });
});

t.test('the other environment of APNs is tried once, and told', async (t) => {
  const stage = await setPush(t);
  const registration = stage.registration('sandbox');
  t.same(await stage.sender.send(registration, () => alert()), {
    ...{ kind: 'sent', environment: 'sandbox' },
  });
  t.equal(stage.standIn.log.of(deviceOf(registration)).length, 1);
});

t.test('a device that registered after its token ended is kept', async (t) => {
  const stage = await setPush(t);
  await stage.control({ provider: 'apns', mode: 'gone', since_ms: Date.now() - 60_000 });
  const registration = stage.registration('apns');
  const outcome = await stage.sender.send(registration, () => alert());
  t.same(outcome, { kind: 'dropped', reason: 'gone_before' });
});

t.test('a push is made anew before each try, and not sent once it is not wanted', async (t) => {
  const stage = await setPush(t);
  await stage.control({ mode: 'error', calls: 1, retry_after_s: 0 });
  const registration = stage.registration('fcm');
  const wanted = [alert({ body: 'first' }), alert({ body: 'second' })];
  t.same(await stage.sender.send(registration, () => wanted.shift()), { kind: 'sent' });
  t.match(stage.standIn.log.of(), [{ push: { notification: { body: 'second' } } }]);
  await stage.control({ mode: 'error', calls: 1, retry_after_s: 0 });
  const once = [alert()];
  const outcome = await stage.sender.send(registration, () => once.shift());
  t.same(outcome, { kind: 'dropped', reason: 'not_wanted' });
  t.equal(stage.standIn.log.of().length, 1);
});

t.test('what is late, cannot be made, or is for nobody configured, is dropped', async (t) => {
  const stage = await setPush(t, { terms: { retries: SOON_OVER, pendingMax: 1 } });
  const registration = stage.registration('apns');
  const reasonOf = async (compose: () => ReturnType<typeof alert>) =>
    nameOf(await stage.sender.send(registration, compose));
  t.equal(await reasonOf(() => alert({ expiresAtMs: Date.now() - 1 })), 'expired');
  const away = () => {
    throw new Error('store is away');
  };
  t.equal(await reasonOf(away), 'unavailable');
  t.equal(stage.sender.openCircuits('apns'), 0, 'that is no fault of the provider');
  await stage.control({ mode: 'slow', delay_ms: 100 });
  t.same(await Promise.all([reasonOf(alert), reasonOf(alert)]), ['sent', 'full']);
});

t.test('a badge is silent, and never an alert', async (t) => {
  const stage = await setPush(t);
  const badge = { kind: 'badge', badge: 3, expiresAtMs: Date.now() + 60_000 } as const;
  const [apns, fcm] = [stage.registration('apns'), stage.registration('fcm')];
  for (const one of [apns, fcm]) {
    t.same(await stage.sender.send(one, () => badge), { kind: 'sent' });
  }
  t.same(stage.standIn.log.of(deviceOf(apns))[0]?.push, { aps: { badge: 3 } });
  t.notMatch(stage.standIn.log.of(deviceOf(fcm))[0]?.push, { notification: {} });
  const web = await stage.sender.send(stage.registration('webpush'), () => badge);
  t.same(web, { kind: 'dropped', reason: 'refused' });
});

t.test('a new access token is got when FCM does not take the old one', async (t) => {
  const stage = await setPush(t);
  t.same(countOf(await burst(stage, 'fcm', 3)), { sent: 3 });
  stage.standIn.endFcmTokens();
  t.same(countOf(await burst(stage, 'fcm', 3)), { sent: 3 });
});

t.test('pushes that wait when the service ends are given up at once', async (t) => {
  const stage = await setPush(t, {
    terms: { retries: { ...SOON_OVER, firstWaitMs: 60_000, withinMs: 900_000 } },
  });
  await stage.control({ mode: 'error' });
  const sending = burst(stage, 'webpush', 3);
  await until(
    'all failed once',
    async () => (await stage.answers())['webpush unavailable 5xx'] === 3,
  );
  await stage.sender.close();
  t.same(countOf(await sending), { closed: 3 });
});

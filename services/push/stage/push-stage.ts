import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { pushEnv } from '../../../dev/push/push-env.ts';
import { makePushKeys } from '../../../dev/push/push-keys.ts';
import { type PushStandIn, startPushStandIn } from '../../../dev/push/push-stand-in.ts';
import { newId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { EnvReader } from '../../../shared/process/env.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createProviders } from '../providers/create-providers.ts';
import type { PushAlert, PushRegistration, PushSender } from '../providers/provider.ts';
import { readProvidersConfig } from '../providers-config.ts';
import { createPushMetrics } from '../push-metrics.ts';
import { createPushSender } from '../sending/push-sender.ts';
import { SEND_TERMS, type SendTerms } from '../sending/send-terms.ts';

type StageOptions = { terms?: Partial<SendTerms>; tryMs?: number };

/** Tests wait no minutes, so here all terms are a hundred times shorter than in production. */
const SHORT: Partial<SendTerms> = {
  retries: { retriesMax: 5, withinMs: 30_000, firstWaitMs: 30 },
  circuit: { failures: 5, firstMs: 30, longestMs: 300 },
};
const TRY_MS = 1_000;
/** Making an RSA key takes longer than most tests. */
const KEYS = makePushKeys();
const ANY_PORTS = { control: 0, production: 0, sandbox: 0, fcm: 0, webpush: 0 };

export type PushStage = {
  standIn: PushStandIn;
  sender: PushSender;
  lines: string[];
  /** Switches faults on, as `POST /_control` says. */
  control(change: Record<string, unknown>): Promise<void>;
  registration(provider: PushRegistration['provider'] | 'sandbox'): PushRegistration;
  /** Returns the answers to tries, counted by provider, kind and reason. */
  answers(): Promise<Record<string, number>>;
};

/** Sets stand-ins for all providers, and a sender before them. */
export async function setPush(t: Test, options: StageOptions = {}): Promise<PushStage> {
  const standIn = await startPushStandIn({ keys: KEYS, ports: ANY_PORTS });
  const lines: string[] = [];
  const naming = { service: 'push', instance: 'push', level: 'debug', hashKey: 'test' };
  const logger = createLogger(naming, { write: (line) => void lines.push(line) });
  const metrics = createPushMetrics(createMetrics('push', 'push'));
  const terms = (name: keyof typeof SEND_TERMS): SendTerms => ({
    ...{ ...SEND_TERMS[name], ...SHORT, ...options.terms },
  });
  const sender = createPushSender({
    providers: providersFor(standIn, options.tryMs ?? TRY_MS),
    terms: { apns: terms('apns'), fcm: terms('fcm'), webpush: terms('webpush') },
    ...{ now: steadyMs, wallMs: Date.now, random: Math.random, metrics, logger },
  });
  t.teardown(async () => {
    await sender.close();
    await standIn.close();
  });
  return {
    ...{ standIn, sender, lines },
    async control(change) {
      const body = JSON.stringify(change);
      const response = await fetch(`${standIn.urls.control}/_control`, { method: 'POST', body });
      if (!response.ok) throw new Error(await response.text());
    },
    registration: (provider) => registrationOf(provider, { standIn, topic: KEYS.apns.topic }),
    async answers() {
      const { values } = await metrics.answers.get();
      return Object.fromEntries(
        values.map(({ labels, value }) => [
          [labels.provider, labels.answer, labels.reason].filter(Boolean).join(' '),
          value,
        ]),
      );
    },
  };
}

function providersFor({ urls }: PushStandIn, tryMs: number) {
  const reader = new EnvReader(pushEnv(KEYS, urls));
  const config = readProvidersConfig(reader);
  reader.done();
  return createProviders(config, { tryMs, now: steadyMs, wallMs: Date.now });
}

type Where = { standIn: PushStandIn; topic: string };

function registrationOf(
  provider: PushRegistration['provider'] | 'sandbox',
  { standIn, topic }: Where,
): PushRegistration {
  const registeredAtMs = Date.now();
  if (provider === 'webpush') {
    return { provider, registeredAtMs, subscription: standIn.subscribe() };
  }
  if (provider === 'fcm') {
    return { provider, registeredAtMs, token: randomBytes(24).toString('base64url') };
  }
  const start = provider === 'sandbox' ? '5a5a' : 'a0a0';
  const token = `${start}${randomBytes(30).toString('hex')}`;
  return { provider: 'apns', registeredAtMs, token, topic, environment: 'production' };
}

/** Returns the name by which the stand-in notes the device of a registration. */
export function deviceOf(registration: PushRegistration): string {
  if (registration.provider !== 'webpush') return registration.token;
  return registration.subscription.endpoint.split('/').at(-1) ?? '';
}

export function alert(changed: Partial<PushAlert> = {}): PushAlert {
  return {
    ...{ kind: 'alert', title: 'Asha', body: 'Hello', badge: 1 },
    thread: randomBytes(24).toString('base64url'),
    data: { conversation_id: newId(), message_id: newId(), seq: 7 },
    expiresAtMs: Date.now() + 86_400_000,
    ...changed,
  };
}

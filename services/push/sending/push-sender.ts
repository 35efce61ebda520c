import type { Logger } from '../../../shared/process/logger.ts';
import type { ProviderName, PushOutcome, PushProvider, PushSender } from '../providers/provider.ts';
import type { PushMetrics } from '../push-metrics.ts';
import { ProviderSends } from './provider-sends.ts';
import type { SendTerms } from './send-terms.ts';

type Deps = {
  /** A provider that is not configured is absent. */
  providers: Partial<Record<ProviderName, PushProvider>>;
  terms: Readonly<Record<ProviderName, SendTerms>>;
  now: () => number;
  wallMs: () => number;
  random: () => number;
  metrics: PushMetrics;
  logger: Logger;
};

/** A provider tells of one problem in the log at most this often. */
const ALERT_MS = 60_000;
const ALERTS_MAX = 200;

/** Creates the sender, and one `ProviderSends` for each provider that is configured. */
export function createPushSender(deps: Deps): PushSender {
  const { metrics } = deps;
  const sends = new Map<ProviderName, ProviderSends>();
  let closed: Promise<unknown> | undefined;
  for (const [name, provider] of Object.entries(deps.providers)) {
    const own = createSends(name as ProviderName, provider, deps);
    sends.set(name as ProviderName, own);
    metrics.gauge(`kaha_push_${name}_waiting`, 'Pushes not yet at their end', () => own.waiting);
    metrics.gauge(`kaha_push_${name}_open_circuits`, 'Hosts not asked', () => own.openCircuits);
  }
  return {
    async send(registration, compose) {
      const { provider } = registration;
      const outcome = (await sends.get(provider)?.send(registration, compose)) ?? NOT_CONFIGURED;
      const reason = outcome.kind === 'dropped' ? outcome.reason : '';
      metrics.outcomes.inc({ provider, outcome: outcome.kind, reason });
      return outcome;
    },
    waiting: (provider) => sends.get(provider)?.waiting ?? 0,
    openCircuits: (provider) => sends.get(provider)?.openCircuits ?? 0,
    async close() {
      closed ??= Promise.all([...sends.values()].map((own) => own.close()));
      await closed;
    },
  };
}

const NOT_CONFIGURED: PushOutcome = { kind: 'dropped', reason: 'not_configured' };

function createSends(name: ProviderName, provider: PushProvider, deps: Deps): ProviderSends {
  const { terms, now, wallMs, random, metrics, logger } = deps;
  const alertedAt = new Map<string, number>();
  return new ProviderSends({
    ...{ provider, terms: terms[name], now, wallMs, random },
    onAnswer(answer, tookMs) {
      const reason = 'reason' in answer ? answer.reason : '';
      metrics.answers.inc({ provider: name, answer: answer.kind, reason });
      metrics.trySeconds.observe(tookMs / 1_000);
    },
    onAlert(problem, reason) {
      const at = alertedAt.get(`${problem} ${reason}`) ?? Number.NEGATIVE_INFINITY;
      if (now() - at < ALERT_MS) return;
      if (alertedAt.size >= ALERTS_MAX) alertedAt.clear();
      alertedAt.set(`${problem} ${reason}`, now());
      logger.error({ provider: name, reason }, `the push provider ${problem}`);
    },
  });
}

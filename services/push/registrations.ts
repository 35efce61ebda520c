import type { PushDevice, PushSettled } from '../../shared/contracts/pushes/push-facts.ts';
import type { UserId } from '../../shared/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { PushOutcome, PushRegistration } from './providers/provider.ts';

export type Registrations = {
  /** Never rejects. What store does not hear is told by the provider again next time. */
  settle(userId: UserId, device: PushDevice, outcome: PushOutcome): Promise<void>;
};

/** Tells store what a provider said of a registration. */
export function createRegistrations(
  askSettle: (settled: PushSettled) => Promise<void>,
  logger: Logger,
): Registrations {
  return {
    async settle(userId, { device_id, registered_at }, outcome) {
      const about = { user_id: userId, device_id, registered_at };
      const isGone = outcome.kind === 'dropped' && outcome.reason === 'gone';
      const environment = outcome.kind === 'sent' ? outcome.environment : undefined;
      try {
        if (isGone) await askSettle({ ...about, outcome: 'gone' });
        else if (environment !== undefined) await askSettle({ ...about, outcome: { environment } });
      } catch (error) {
        logger.warn({ err: error }, 'what a provider said of a registration is not noted');
      }
    },
  };
}

/** Makes of a registered device what providers take. */
export function toRegistration({ address, registered_at }: PushDevice): PushRegistration {
  return { ...address, registeredAtMs: Date.parse(registered_at) };
}

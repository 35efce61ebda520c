import type { Profiles, ProfilesGet } from '../../../shared/contracts/profile-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { createAskProfiles } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';

/**
 * Asks profiles for at most 2000 names, and waits for 1 s at most, or until `deadlineAt`, by
 * `steadyMs`, where that is earlier. The promise never rejects: if profiles is away or late, the
 * answer says that all names were missed.
 */
export type AskNames = (request: ProfilesGet, deadlineAt?: number) => Promise<Profiles>;

const TIMEOUT_MS = 1_000;
/**
 * After a request that the profiles service did not answer within 1 s, the edge waits only this
 * long for answers, and does so for 2 s.
 */
const DOUBTED = { timeoutMs: 250, forMs: 2_000 };

export function createAskNames({ bus, logger }: { bus: Bus; logger: Logger }): AskNames {
  const profiles = createAskProfiles(bus, TIMEOUT_MS);
  let doubtedUntil = 0;
  return async (request, deadlineAt = Number.POSITIVE_INFINITY) => {
    const nowMs = steadyMs();
    const waitMs = nowMs < doubtedUntil ? DOUBTED.timeoutMs : TIMEOUT_MS;
    const hasWholeTime = waitMs === TIMEOUT_MS && nowMs + waitMs <= deadlineAt;
    try {
      return await profiles('get', request, { deadlineAt: Math.min(nowMs + waitMs, deadlineAt) });
    } catch (error) {
      const isLate = KahaError.from(error).code === 'TIMEOUT';
      if (isLate && hasWholeTime) doubtedUntil = steadyMs() + DOUBTED.forMs;
      logger.debug({ err: error }, 'names unknown');
      return { users: [], businesses: [], missed: request };
    }
  };
}

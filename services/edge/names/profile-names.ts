import type {
  BusinessProfile,
  Profiles,
  ProfilesGet,
  UserProfile,
} from '../../../shared/contracts/profile-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { createAskProfiles } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';

/** These users and businesses have known names. All others are shown as unknown. */
export type Names = {
  users: ReadonlyMap<UserId, UserProfile>;
  businesses: ReadonlyMap<BusinessId, BusinessProfile>;
};
/** A look-up asks for the names of these users and businesses. Ids may be repeated. */
export type Sought = {
  users: Iterable<UserId>;
  businesses?: Iterable<BusinessId>;
  /** The look-up ends by this time, by `steadyMs`, where that is earlier than its own limit. */
  deadlineAt?: number | undefined;
};
/** The promise never rejects. */
export type NameLookUp = (sought: Sought) => Promise<Names>;

/** Users and businesses whose names are not known have these names. */
export const UNKNOWN_USER = 'Unknown User';
export const UNKNOWN_BUSINESS = 'Unknown Business';

const TIMEOUT_MS = 1_000;
/**
 * After a request that the profiles service did not answer within 1 s, the edge waits only this
 * long for answers, and does so for 2 s.
 */
const DOUBTED = { timeoutMs: 250, forMs: 2_000 };
/**
 * One request asks for at most this many ids. That is enough for a page of 200 conversations with 8
 * participants each.
 */
const IDS_MAX = 2_000;

/**
 * Looks up names at the profiles service with one request, or with several if there are more than
 * 2000 ids. If the service is away or does not answer within 1 s, or by the caller's deadline, all
 * of a request's users and businesses are unknown.
 */
export function createNameLookUp({ bus, logger }: { bus: Bus; logger: Logger }): NameLookUp {
  const profiles = createAskProfiles(bus, TIMEOUT_MS);
  let doubtedUntil = 0;
  const ask = async (request: ProfilesGet, deadlineAt: number): Promise<Profiles> => {
    const nowMs = steadyMs();
    const waitMs = nowMs < doubtedUntil ? DOUBTED.timeoutMs : TIMEOUT_MS;
    const hasWholeTime = waitMs === TIMEOUT_MS && nowMs + waitMs <= deadlineAt;
    try {
      return await profiles('get', request, { deadlineAt: Math.min(nowMs + waitMs, deadlineAt) });
    } catch (error) {
      const isLate = KahaError.from(error).code === 'TIMEOUT';
      if (isLate && hasWholeTime) doubtedUntil = steadyMs() + DOUBTED.forMs;
      logger.debug({ err: error }, 'names unknown');
      return { users: [], businesses: [] };
    }
  };
  return async (sought) => {
    const { deadlineAt = Number.POSITIVE_INFINITY } = sought;
    const asking = requestsFor(sought).map((request) => ask(request, deadlineAt));
    const answers = await Promise.all(asking);
    return {
      users: new Map(answers.flatMap(({ users }) => users.map((user) => [user.id, user]))),
      businesses: new Map(
        answers.flatMap(({ businesses }) => businesses.map((business) => [business.id, business])),
      ),
    };
  };
}

function requestsFor({ users, businesses = [] }: Sought): ProfilesGet[] {
  const requests: ProfilesGet[] = [];
  const userIds = [...new Set(users)];
  const businessIds = [...new Set(businesses)];
  while (userIds.length + businessIds.length > 0) {
    const businessPart = businessIds.splice(0, IDS_MAX);
    const userPart = userIds.splice(0, IDS_MAX - businessPart.length);
    requests.push({
      ...(userPart.length > 0 && { user_ids: userPart }),
      ...(businessPart.length > 0 && { business_ids: businessPart }),
    });
  }
  return requests;
}

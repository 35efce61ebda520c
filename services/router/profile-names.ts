import type { Bus } from '../../shared/bus.ts';
import type { BusinessId, UserId } from '../../shared/ids.ts';
import type { Logger } from '../../shared/logger.ts';
import type {
  BusinessProfile,
  ConversationRecord,
  Profiles,
  ProfilesGet,
  UserProfile,
} from '../../shared/rpc.ts';
import { subjects } from '../../shared/subjects.ts';

/** Who is known by name. Whoever is absent is shown as unknown. */
export type Names = {
  users: ReadonlyMap<UserId, UserProfile>;
  businesses: ReadonlyMap<BusinessId, BusinessProfile>;
};

/** Names for all people and businesses in the records; never rejects. */
export type LookUpNames = (records: Iterable<ConversationRecord>) => Promise<Names>;

const TIMEOUT_MS = 1_000;
/** A page of 200 conversations of 8, and more. */
const IDS_MAX = 2_000;

/** One request per response (two above 2000 ids). Profiles away or late: everybody is unknown. */
export function createNameLookUp(deps: { bus: Bus; logger: Logger }): LookUpNames {
  const { bus, logger } = deps;
  const ask = async (request: ProfilesGet): Promise<Profiles> => {
    try {
      const options = { timeoutMs: TIMEOUT_MS };
      return await bus.request<Profiles>(subjects.profiles('get'), request, options);
    } catch (error) {
      logger.debug({ err: error }, 'names unknown');
      return { users: [], businesses: [] };
    }
  };
  return async (records) => {
    const answers = await Promise.all(requestsFor(records).map(ask));
    return {
      users: new Map(answers.flatMap(({ users }) => users.map((user) => [user.id, user]))),
      businesses: new Map(
        answers.flatMap(({ businesses }) => businesses.map((business) => [business.id, business])),
      ),
    };
  };
}

function requestsFor(records: Iterable<ConversationRecord>): ProfilesGet[] {
  const users = new Set<UserId>();
  const businesses = new Set<BusinessId>();
  for (const record of records) {
    for (const { user_id: userId } of record.participants) users.add(userId);
    if (record.business_id !== undefined) businesses.add(record.business_id);
  }
  const requests: ProfilesGet[] = [];
  const userIds = [...users];
  const businessIds = [...businesses];
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

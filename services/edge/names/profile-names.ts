import type {
  BusinessProfile,
  ProfilesGet,
  UserProfile,
} from '../../../shared/contracts/profile-ops.ts';
import { type BusinessId, NOBODY, type UserId } from '../../../shared/ids.ts';
import type { AskNames } from './ask-names.ts';
import type { LateNames } from './late-names.ts';

/** These users and businesses have known names. All others are shown as unknown. */
export type Names = {
  users: ReadonlyMap<UserId, UserProfile>;
  businesses: ReadonlyMap<BusinessId, BusinessProfile>;
};
/** A look-up asks for the names of these users and businesses. Ids may be repeated. */
export type Sought = {
  users: Iterable<UserId>;
  businesses?: Iterable<BusinessId>;
  /** The names are shown to these users. */
  viewers?: readonly UserId[];
  /** The look-up ends by this time, by `steadyMs`, where that is earlier than its own limit. */
  deadlineAt?: number | undefined;
};
/** The promise never rejects. */
export type NameLookUp = (sought: Sought) => Promise<Names>;

/** Users and businesses whose names are not known have these names. */
export const UNKNOWN_USER = 'Unknown User';
export const UNKNOWN_BUSINESS = 'Unknown Business';
/** A person who was erased has this name. Nobody looks for it. */
export const DELETED_USER = 'Deleted User';

/**
 * One request asks for at most this many ids. That is enough for a page of 200 conversations with 8
 * participants each.
 */
const IDS_MAX = 2_000;

/**
 * Looks up names at the profiles service with one request, or with several if there are more than
 * 2000 ids. Who cannot be looked up in time is unknown, and the viewers are told once the name can
 * be had.
 */
export function createNameLookUp(deps: {
  askNames: AskNames;
  late: Pick<LateNames, 'add'>;
}): NameLookUp {
  const { askNames, late } = deps;
  return async (sought) => {
    const { viewers = [], deadlineAt } = sought;
    const asking = requestsFor(sought).map((request) => askNames(request, deadlineAt));
    const answers = await Promise.all(asking);
    for (const { missed } of answers) if (missed !== undefined) late.add(missed, viewers);
    return {
      users: new Map([DELETED, ...answers.flatMap(({ users }) => users)].map(byId)),
      businesses: new Map(
        answers.flatMap(({ businesses }) => businesses.map((business) => [business.id, business])),
      ),
    };
  };
}

const DELETED: UserProfile = { id: NOBODY, name: DELETED_USER };
const byId = (user: UserProfile): [UserId, UserProfile] => [user.id, user];

function requestsFor({ users, businesses = [] }: Sought): ProfilesGet[] {
  const requests: ProfilesGet[] = [];
  const userIds = [...new Set(users)].filter((userId) => userId !== NOBODY);
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

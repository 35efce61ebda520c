import type { BusinessId, UserId } from '../ids.ts';

export type UserProfile = { id: UserId; name: string; avatar_url?: string; user_type?: string };
export type BusinessProfile = {
  id: BusinessId;
  name: string;
  avatar_url?: string;
  is_online?: boolean;
};
/** A request holds at most 2000 ids in all. */
export type ProfilesGet = {
  user_ids?: readonly UserId[];
  business_ids?: readonly BusinessId[];
};
/** Users and businesses that profiles does not know are absent. */
export type Profiles = { users: UserProfile[]; businesses: BusinessProfile[] };

/** Profiles answers these operations on `rpc.profiles.<op>`: operation → [request, reply]. */
export type ProfileOps = { get: [ProfilesGet, Profiles] };

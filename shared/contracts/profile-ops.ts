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
/**
 * Users and businesses without a profile are absent. `missed` names those of them whose profile
 * could not be had in time, so they may have one later. It is absent if there are none.
 */
export type Profiles = {
  users: UserProfile[];
  businesses: BusinessProfile[];
  missed?: ProfilesGet;
};

/** Profiles answers these operations on `rpc.profiles.<op>`: operation → [request, reply]. */
export type ProfileOps = { get: [ProfilesGet, Profiles] };

import type { BusinessProfile, ProfilesGet, UserProfile } from '../../shared/contracts/rpc.ts';

export type ProfileKind = 'user' | 'business';

/** Whose profile: the key of caches and maps is `user:<id>` or `business:<id>`. */
export type ProfileRef = { kind: ProfileKind; id: string; key: string };

export type Profile =
  | { kind: 'user'; fields: UserProfile }
  | { kind: 'business'; fields: BusinessProfile };

/** Profiles by `ProfileRef.key`. Who is not in it is not known, or not known now. */
export type ProfileMap = Map<string, Profile>;

export function refOf(kind: ProfileKind, id: string): ProfileRef {
  return { kind, id, key: `${kind}:${id}` };
}

/** Each id once. */
export function refsOf(request: ProfilesGet): ProfileRef[] {
  return [
    ...[...new Set(request.user_ids)].map((id) => refOf('user', id)),
    ...[...new Set(request.business_ids)].map((id) => refOf('business', id)),
  ];
}

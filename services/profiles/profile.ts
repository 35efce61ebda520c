import type {
  BusinessProfile,
  ProfilesGet,
  UserProfile,
} from '../../shared/contracts/profile-ops.ts';
import type { BusinessId, UserId } from '../../shared/ids.ts';

export type ProfileKind = 'user' | 'business';

/**
 * A reference names the user or business whose profile is meant. Caches and maps use `key`, which
 * is `user:<id>` or `business:<id>`.
 */
export type ProfileRef = { kind: ProfileKind; id: string; key: string };

export type Profile =
  | { kind: 'user'; fields: UserProfile }
  | { kind: 'business'; fields: BusinessProfile };

/**
 * The map holds profiles by `ProfileRef.key`. A profile that is not in it is unknown, or cannot be
 * had now.
 */
export type ProfileMap = Map<string, Profile>;

export function refOf(kind: ProfileKind, id: string): ProfileRef {
  return { kind, id, key: `${kind}:${id}` };
}

/** Names the ids of `refs` as a request does. */
export function requestOf(refs: readonly ProfileRef[]): ProfilesGet {
  const idsOf = (kind: ProfileKind): string[] =>
    refs.filter((ref) => ref.kind === kind).map(({ id }) => id);
  return { user_ids: idsOf('user') as UserId[], business_ids: idsOf('business') as BusinessId[] };
}

/** The result names each id of the request once. */
export function refsOf(request: ProfilesGet): ProfileRef[] {
  return [
    ...[...new Set(request.user_ids)].map((id) => refOf('user', id)),
    ...[...new Set(request.business_ids)].map((id) => refOf('business', id)),
  ];
}

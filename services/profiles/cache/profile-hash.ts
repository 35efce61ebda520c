import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { Profile, ProfileRef } from '../profile.ts';

/** A profile as a Redis hash: every field is there, empty where the profile has none. */
export type ProfileHash = Record<string, string>;

export function toHash({ kind, fields }: Profile): ProfileHash {
  const shared = { name: fields.name, avatar_url: fields.avatar_url ?? '' };
  if (kind === 'user') return { ...shared, user_type: fields.user_type ?? '' };
  return { ...shared, is_online: fields.is_online === undefined ? '' : String(fields.is_online) };
}

/** Undefined where the hash is not there or not of this version. */
export function fromHash(ref: ProfileRef, hash: Partial<ProfileHash>): Profile | undefined {
  const { name, avatar_url, user_type, is_online } = hash;
  if (!name) return undefined;
  const shared = { name, ...(avatar_url && { avatar_url }) };
  if (ref.kind === 'user') {
    const fields = { id: ref.id as UserId, ...shared, ...(user_type && { user_type }) };
    return { kind: 'user', fields };
  }
  const online = is_online ? { is_online: is_online === 'true' } : {};
  return { kind: 'business', fields: { id: ref.id as BusinessId, ...shared, ...online } };
}

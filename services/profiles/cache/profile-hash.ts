import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { Profile, ProfileRef } from '../profile.ts';

/**
 * A profile is stored as a Redis hash that has every field; a field that the profile lacks is
 * empty.
 */
export type ProfileHash = Record<string, string>;

export function toHash({ kind, fields }: Profile): ProfileHash {
  const shared = { name: fields.name, avatar_url: fields.avatar_url ?? '' };
  if (kind === 'user') return { ...shared, user_type: fields.user_type ?? '' };
  return { ...shared, is_online: fields.is_online === undefined ? '' : String(fields.is_online) };
}

/** Returns undefined if the hash does not exist or has another layout. */
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

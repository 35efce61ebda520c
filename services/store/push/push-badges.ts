import { type Kysely, sql } from 'kysely';
import type { PushBadge } from '../../../shared/contracts/pushes/push-facts.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { type PushDeps, selectPushDevices } from './push-devices.ts';

const USERS_MAX = 100;

/** Counts, for each user, the conversations that are not muted and have something unread. */
export async function countBadges(
  db: Kysely<Database>,
  userIds: readonly UserId[],
): Promise<Map<UserId, number>> {
  const { rows } = await sql<{ user_id: UserId; badge: number }>`
    select p.user_id, count(*) as badge
    from participants p join conversations c using (conversation_id)
    where p.user_id = any(${[...new Set(userIds)]}::uuid[]) and p.left_at is null
      and not (p.is_muted and (p.muted_until is null or p.muted_until > clock_timestamp()))
      and case when c.last_seq > greatest(p.read_seq, p.first_visible_seq - 1)
        then c.last_seq >= visible_from(c.conversation_id, c.first_seq) end
    group by p.user_id`.execute(db);
  return new Map(rows.map(({ user_id, badge }) => [user_id, Number(badge)]));
}

/** `push.badges` tells the badges of users now, and their devices that can show one silently. */
export async function readBadges(
  deps: PushDeps,
  userIds: readonly UserId[],
): Promise<{ users: PushBadge[] }> {
  if (userIds.length > USERS_MAX) throw new KahaError('INVALID_REQUEST', 'Too many users');
  const [devices, badges] = await Promise.all([
    selectPushDevices(deps, userIds),
    countBadges(deps.db, userIds),
  ]);
  const users = [...devices].map(([user_id, registered]) => ({
    ...{ user_id, badge: badges.get(user_id) ?? 0 },
    devices: registered.filter(({ address }) => address.provider !== 'webpush'),
  }));
  return { users };
}

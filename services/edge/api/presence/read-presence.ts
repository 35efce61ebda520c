import type { Static } from 'typebox';
import type { UserId } from '../../../../shared/ids.ts';
import type { PresenceRequest, PresenceShape } from '../../../../shared/protocol/presence.ts';
import { businessPresence } from '../../presence/business-presence.ts';
import type { HandlerParts } from '../operation.ts';

type Caller = { userId: UserId; trace: string | undefined; deadlineAt: number };

/** Reads the presence of users and businesses once, each of them once. */
export async function readPresence(
  { user_ids = [], business_ids = [] }: Static<typeof PresenceRequest>,
  { userId, trace, deadlineAt }: Caller,
  { presence, store }: HandlerParts,
): Promise<PresenceShape> {
  const wanted = [...new Set(business_ids)];
  const [users, { businesses }] = await Promise.all([
    user_ids.length === 0 ? [] : presence.read(userId, user_ids),
    wanted.length === 0
      ? { businesses: [] }
      : store('businesses.openings', { business_ids: wanted }, { trace, deadlineAt }),
  ]);
  return { presence: [...users, ...businesses.map(businessPresence)] };
}

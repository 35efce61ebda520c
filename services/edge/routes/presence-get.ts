import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { PresenceQuery, PresenceShape } from '../../../shared/protocol/presence.ts';
import type { Presence } from '../presence/presence.ts';
import { Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function presenceGetRoute(presence: Presence): Route {
  return defineRoute({
    method: 'GET',
    path: '/presence',
    summary: 'Who of some users is online',
    cost: 'read',
    params: Nothing,
    query: PresenceQuery,
    response: PresenceShape,
    async handle({ userId, query }) {
      const ids = query.user_ids.split(',') as UserId[];
      if (ids.length > LIMITS.presenceIdsMax) {
        throw new KahaError('INVALID_REQUEST', `user_ids: at most ${LIMITS.presenceIdsMax}`);
      }
      return { status: 200, body: { presence: await presence.read(userId, ids) } };
    },
  });
}

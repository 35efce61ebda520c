import {
  PresenceUnwatchFrame,
  PresenceWatchFrame,
} from '../../../shared/protocol/client-frames.ts';
import { PresenceShape } from '../../../shared/protocol/presence.ts';
import { EmptyShape } from '../../../shared/protocol/shapes.ts';
import type { Presence } from '../presence/presence.ts';
import { defineOperation, type Operation } from './operation.ts';

export function presenceWatchOperation(presence: Presence): Operation {
  return defineOperation({
    type: 'presence_watch',
    summary: 'Tells who is online, and from now on when that changes',
    cost: 'other',
    schema: PresenceWatchFrame,
    answer: PresenceShape,
    async handle({ user_ids }, { session, userId }) {
      return { presence: await presence.watch(session, userId, user_ids) };
    },
  });
}

export function presenceUnwatchOperation(presence: Presence): Operation {
  return defineOperation({
    type: 'presence_unwatch',
    summary: 'Ends watching users',
    cost: 'other',
    schema: PresenceUnwatchFrame,
    answer: EmptyShape,
    handle({ user_ids }, { session }) {
      presence.unwatch(session, user_ids);
      return {};
    },
  });
}

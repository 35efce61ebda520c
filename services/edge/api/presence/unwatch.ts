import { PresenceRequest } from '../../../../shared/protocol/presence.ts';
import { EmptyShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

export const unwatchPresence = defineOperation({
  summary: 'Ends watching users',
  cost: 'other',
  by: 'session',
  request: PresenceRequest,
  answer: EmptyShape,
  handle({ user_ids }, { session }, { presence }) {
    presence.unwatch(session, user_ids);
    return {};
  },
  frame: { type: 'presence_unwatch' },
});

import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { PresenceRequest, presenceProblem } from '../../../../shared/protocol/presence.ts';
import { EmptyShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

export const unwatchPresence = defineOperation({
  summary: 'Ends watching users and businesses',
  cost: 'other',
  by: 'session',
  request: PresenceRequest,
  answer: EmptyShape,
  example: {
    request: { user_ids: [EXAMPLE.asha] },
    answer: {},
  },
  problem: presenceProblem,
  handle({ user_ids = [], business_ids = [] }, { session }, { presence }) {
    presence.unwatch(session, { users: user_ids, businesses: business_ids });
    return {};
  },
  frame: { type: 'presence_unwatch' },
});

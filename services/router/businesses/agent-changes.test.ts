import t from 'tap';
import type { ConversationToTell } from '../../../shared/contracts/outbox.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createAgentChanges } from './agent-changes.ts';

const context = { deadlineAt: 0, trace: undefined };
const business_id = newId<BusinessId>();
const [agent, customer] = [newId<UserId>(), newId<UserId>()];
const [first, second] = [newId<ConversationId>(), newId<ConversationId>()];

const toTell = (id: ConversationId): ConversationToTell => ({
  participants: {
    ...{ conversation_id: id, type: 'business', version: 4, user_ids: [customer] },
    ...{ late: [], joiners: [] },
  },
  entries: [
    {
      ...{ kind: 'conversation', event_id: newId(), conversation_id: id, user_ids: [agent] },
      ...{ change: 'assigned', records: {}, version: 4, closes_membership: true },
    },
  ],
  owed_before: [],
  inbox: [],
});

/** Makes commands whose store answers so, and lists what they do. */
function setChanges(answer: object) {
  const log: unknown[] = [];
  const inHand = new Map();
  const changes = createAgentChanges({
    store: (async () => answer) as unknown as AskStore,
    fanOuts: {
      room: () => undefined,
      inHand: () => inHand,
      start: () => void log.push('started'),
      startLast: ({ facts }, last) => void log.push(['last', facts.conversation_id, last]),
    },
    liveReceipts: { noteVersion: (id, version) => void log.push(['noted', id, version]) },
    memberships: { publishLeft: (signal, ids) => void log.push(['left', signal, ids]) },
    steps: { tell: (inbox) => void log.push(['told', inbox]) },
  });
  return { log, inHand, changes };
}

const noted = (id: ConversationId) => [
  ['noted', id, 4],
  ['left', { conversation_id: id, version: 4 }, [customer]],
];

t.test('all routers hear of each conversation, and agents of what the answer tells', async (t) => {
  const all = [first, second].map((id) => [id, 4, customer]);
  const page = { agents: [], next_cursor: null };
  const returned = { all, told: [toTell(second)] };
  const { log, inHand, changes } = setChanges({ ...page, returned });
  const op = 'businesses.set_agents';
  const request = { asker: 'service' as const, business_id, agents: [] };
  t.same(
    await changes[op]({ op, ...request }, context),
    page,
    'the caller is told of agents alone',
  );
  const last = { before: [], inHand };
  t.same(log, [...noted(first), ...noted(second), ['told', []], ['last', second, last]]);
});

t.test('an agent who had nothing is removed without a word to others', async (t) => {
  const { log, changes } = setChanges({});
  const op = 'businesses.remove_agent';
  const request = { op, asker: 'service', business_id, user_id: agent } as const;
  t.equal(await changes[op](request, context), undefined);
  t.same(log, []);
});

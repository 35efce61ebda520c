import t from 'tap';
import { type HeldConversation, returnOf } from './agent-absence.ts';
import type { AgentLoad } from './give-out.ts';
import { agentOf, heldOf, sceneOf } from './stage/random-scenes.ts';

const { nowMs, settings } = sceneOf({});
const GRACE_MS = 60_000;
const REASSIGN_MS = 300_000;
const ago = (seconds: number): number => nowMs - seconds * 1_000;

function dueOf(agent: Partial<AgentLoad>, held: Partial<HeldConversation>) {
  const one = agentOf(agent);
  return returnOf(heldOf(one, held), one, settings);
}

t.test('an agent who is there keeps all, whether available or away', async (t) => {
  const answered = { hasAnswered: true, unansweredSinceMs: ago(9_000) };
  for (const status of ['available', 'away'] as const) {
    t.equal(dueOf({ status }, {}), undefined);
    t.equal(dueOf({ status }, answered), undefined);
  }
});

t.test(
  'unanswered ones go back at the end of the grace, or once the agent says offline',
  async (t) => {
    const sinceMs = ago(10);
    const gone = { atMs: sinceMs + GRACE_MS, reason: 'offline' };
    t.same(dueOf({ offlineSinceMs: sinceMs }, {}), gone);
    t.same(dueOf({ status: 'away', offlineSinceMs: sinceMs }, {}), gone);
    const left = { status: 'offline' as const, statusAtMs: ago(5) };
    t.same(dueOf(left, {}), { atMs: ago(5), reason: 'offline' });
    t.same(dueOf({ ...left, offlineSinceMs: sinceMs }, {}), { atMs: ago(5), reason: 'offline' });
    const given = { assignedAtMs: ago(3) };
    t.same(dueOf({ offlineSinceMs: sinceMs }, given), gone, 'it was given within the grace');
  },
);

t.test('one that is given by hand to an absent agent stays for a while', async (t) => {
  const assignedAtMs = ago(2);
  const later = { atMs: assignedAtMs + REASSIGN_MS, reason: 'offline' };
  t.same(dueOf({ status: 'offline' }, { assignedAtMs }), later);
  t.same(dueOf({ offlineSinceMs: 0 }, { assignedAtMs }), later);
  const lost = { status: 'offline' as const, offlineSinceMs: ago(1) };
  t.same(
    dueOf(lost, { assignedAtMs }),
    { atMs: ago(1) + GRACE_MS, reason: 'offline' },
    'the agent was there, and is gone since',
  );
});

t.test('answered ones stay until the customer has written again and waited', async (t) => {
  const hasAnswered = true;
  const left = { status: 'offline' as const, statusAtMs: ago(100) };
  t.equal(dueOf(left, { hasAnswered }), undefined);
  const due = (atMs: number) => ({ atMs, reason: 'no_answer' });
  const after = { hasAnswered, unansweredSinceMs: ago(40) };
  t.same(dueOf(left, after), due(ago(40) + REASSIGN_MS));
  const before = { hasAnswered, unansweredSinceMs: ago(4_000) };
  t.same(dueOf(left, before), due(ago(100) + REASSIGN_MS), 'the agent was there until then');
  t.same(dueOf({ offlineSinceMs: ago(100) }, before), due(ago(100) + REASSIGN_MS));
  const short = { ...settings, offline_grace_s: 600, reassign_after_s: 30 };
  const agent = agentOf({ offlineSinceMs: ago(100) });
  t.same(returnOf(heldOf(agent, after), agent, short), due(ago(100) + 600_000), 'within the grace');
});

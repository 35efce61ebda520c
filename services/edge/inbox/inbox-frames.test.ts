import t from 'tap';
import type { InboxOwner } from '../../../shared/contracts/inbox.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { serverFrames } from '../../../shared/protocol/server-frames.ts';
import { compileValidator } from '../../../shared/protocol/validator.ts';
import { inboxStep } from '../stage/inbox-step.ts';
import { countsFrame, StepFrames, sightOf, versionFrame } from './inbox-frames.ts';

const BUSINESS = newId<BusinessId>();
const [customer_id, ann, bob] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
const validator = compileValidator(serverFrames.inbox);

const waiting: InboxOwner = { state: 'waiting', customer_id };
const has = (agent: UserId): InboxOwner => ({
  ...{ state: 'assigned', customer_id },
  ...{ assignee_id: agent, last_agent_id: agent },
});
const closedBy = (agent?: UserId): InboxOwner => ({
  ...{ state: 'closed', customer_id },
  ...(agent !== undefined && { last_agent_id: agent }),
});

/** Returns what Ann, Bob, a manager and somebody without a role hear of a step. */
function sights(before: InboxOwner, after: InboxOwner): string[] {
  const step = inboxStep(BUSINESS, 1, { before, after });
  const boss = newId<UserId>();
  return [
    sightOf({ user_id: ann, role: 'agent' }, step),
    sightOf({ user_id: bob, role: 'agent' }, step),
    sightOf({ user_id: boss, role: 'manager' }, step),
    sightOf({ user_id: ann, role: undefined }, step),
  ];
}

t.test('each watcher hears as much of a step as they may know', async (t) => {
  const [whole, named, version] = ['whole', 'named', 'version'];
  const cases: [string, InboxOwner, InboxOwner, string[]][] = [
    ['a new one waits', closedBy(), waiting, [whole, whole, whole, version]],
    ['it is assigned', waiting, has(ann), [whole, named, whole, version]],
    ['it is transferred', has(ann), has(bob), [named, whole, whole, version]],
    ['it is released', has(bob), waiting, [whole, whole, whole, version]],
    ['its agent closes it', has(ann), closedBy(ann), [whole, version, whole, version]],
    ['a manager closes it', waiting, closedBy(ann), [whole, named, whole, version]],
    ['one that nobody had is closed', waiting, closedBy(), [named, named, whole, version]],
  ];
  for (const [what, before, after, expected] of cases)
    t.same(sights(before, after), expected, what);
});

t.test(
  'a frame tells the conversation, its id, or the version, and is as documented',
  async (t) => {
    const step = inboxStep(BUSINESS, 7, { change: 'assigned' });
    const businesses = new Map([[BUSINESS, { id: BUSINESS, name: 'Momo House' }]]);
    const users = new Map([[step.after.customer_id, { id: step.after.customer_id, name: 'Cara' }]]);
    const frames = new StepFrames(step, { users, businesses });
    const version = { type: 'inbox', business_id: BUSINESS, version: 7 };
    const named = { ...version, change: 'assigned', conversation_id: step.conversation_id };
    t.same(JSON.parse(frames.of('version')), version);
    t.same(JSON.parse(frames.of('named')), named);
    const whole = JSON.parse(frames.of('whole'));
    t.match(whole, { ...named, conversation: { name: 'Momo House' } });
    t.equal(whole.conversation.participants[0].name, 'Cara');
    t.equal(frames.of('whole'), frames.of('whole'));
    t.same(JSON.parse(versionFrame(BUSINESS, 7)), version);
    const counts = { waiting: 1, assigned: 2, mine: 0 };
    const told = countsFrame(BUSINESS, { version: 7, counts });
    t.same(JSON.parse(told), { ...version, counts });
    for (const sight of ['whole', 'named', 'version'] as const) {
      t.ok(validator.check(JSON.parse(frames.of(sight))), sight);
    }
    t.ok(validator.check(JSON.parse(told)));
  },
);

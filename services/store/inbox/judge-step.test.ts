import t from 'tap';
import type { ConversationChanged, OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import type { BusinessState } from '../../../shared/protocol/shapes.ts';
import { makeBusiness, makeConversation, type Step, stepTaker } from '../stage/business-stage.ts';
import { appendOk, createGroup, createTalk, letter, setStage } from '../stage/store-stage.ts';

const { store, sql } = await setStage(t);
const { operations } = store;
const take = stepTaker(store);

type Scene = Awaited<ReturnType<typeof setScene>>;

/** The conversation is new, and three agents and a manager are there. */
async function setScene(capacity = 5) {
  const { business, manager, agents } = await makeBusiness(store, { agents: 3, capacity });
  const [ann, bob, cat] = agents as [UserId, UserId, UserId];
  const { id, customer } = await makeConversation(store, business);
  return { business, manager, ann, bob, cat, id, customer, stranger: newId<UserId>() };
}

/** Brings a new conversation into a state. Ann has it, or had it last. */
async function setState(state: BusinessState, capacity?: number): Promise<Scene> {
  const scene = await setScene(capacity);
  const { id, manager, ann } = scene;
  await take({ user: manager, id }, 'reopen');
  await take({ user: ann, id }, 'assign');
  if (state === 'waiting') await take({ user: ann, id }, 'release');
  if (state === 'closed') await take({ user: ann, id }, 'close');
  return scene;
}

const get = (user_id: UserId, conversation_id: ConversationId) =>
  operations['conversations.get']({ user_id, conversation_id }, 0);
const recordOf = async ({ customer, id }: Scene) => (await get(customer, id)).record;

/** Tells what the router brings to whom. */
const told = ({ entries }: ConversationChanged) => entries.map(toldBy);
const toldBy = (entry: OutboxEntry) => [
  entry.kind === 'message' ? entry.message.metadata?.event : 'change' in entry && entry.change,
  [...entry.user_ids].sort(),
];
const sorted = (...ids: UserId[]) => ids.sort();

const refusalOf = (promise: Promise<unknown>): Promise<object> =>
  promise.then(
    () => ({ code: 'ok' }),
    (error) => {
      const { code, details } = KahaError.from(error);
      return { code, details };
    },
  );

t.test('an agent takes what waits, and the people in it are told', async (t) => {
  const scene = await setScene();
  const { id, manager, ann, bob, customer, business } = scene;
  await take({ user: manager, id }, 'reopen');
  const before = await recordOf(scene);
  t.match(before, { state: 'waiting', version: 2, waiting_since: String });
  const changed = await take({ user: ann, id }, 'assign');
  t.same(told(changed), [
    ['assigned', sorted(customer, ann)],
    ['agent_assigned', sorted(customer, ann)],
  ]);
  const { record } = changed;
  t.match(record, { state: 'assigned', assignee_id: ann, version: 3, last_read_seq: 1 });
  t.notOk('waiting_since' in (record ?? {}));
  t.same(
    record?.participants.map(({ user_id, role }) => [user_id, role]),
    [
      [customer, 'customer'],
      [ann, 'agent'],
      [business, 'business'],
    ],
  );
  t.match(changed.inbox, [
    {
      ...{ business_id: business, version: 2, change: 'assigned', reason: 'manual', is_due: true },
      before: { state: 'waiting', customer_id: customer },
      after: { state: 'assigned', customer_id: customer, assignee_id: ann, last_agent_id: ann },
      record: { state: 'assigned', assignee_id: ann, version: 3 },
      waited_ms: Number,
    },
  ]);
  t.notOk('unread' in (changed.inbox?.[0]?.record ?? {}), 'others see nothing of the agent');
  const said = { event: 'agent_assigned', user_id: ann, reason: 'manual' };
  const message = changed.entries[1];
  t.match(message, { message: { sender_id: ann, metadata: said, message_type: 'system' } });
  await t.rejects(get(bob, id), { code: 'NOT_A_PARTICIPANT' });
});

t.test('an assignment marks nothing of the customer as read or delivered', async (t) => {
  const scene = await setScene();
  const { id, manager, ann, bob, customer } = scene;
  await take({ user: manager, id }, 'reopen');
  // The customer has written 4 and 5, and nobody has answered.
  await sql(
    `update conversations set last_seq = 5, unanswered_seq = 4,
      unanswered_since = '2026-01-01T00:00:00Z' where conversation_id = $1`,
    [id],
  );
  for (const user of [ann, bob]) {
    const rest = user === bob ? { agent_id: bob } : {};
    await take({ user: ann, id }, 'assign', rest);
    const { record } = await get(user, id);
    t.match(record, { first_seq: 1, last_read_seq: 3 });
    const position = record.participants.find(({ user_id }) => user_id === user);
    t.match(position, { delivered_seq: 3, read_seq: 3 }, 'also after a transfer');
    t.notOk('read_at' in (position ?? {}));
  }
  const theirs = (await recordOf(scene)).participants.find(({ user_id }) => user_id === customer);
  t.match(theirs, { delivered_seq: 0, read_seq: 0 }, 'the own positions of the customer stay');
  const { record } = await take({ user: bob, id }, 'release');
  t.equal(record?.waiting_since, '2026-01-01T00:00:00.000Z', 'the old waiting time is kept');
});

t.test('who has it hands it on, and is told last that they have lost it', async (t) => {
  const scene = await setState('assigned');
  const { id, ann, bob, customer } = scene;
  const changed = await take({ user: ann, id }, 'assign', { agent_id: bob });
  t.same(told(changed), [
    ['assigned', sorted(customer, bob)],
    ['assigned', [ann]],
    ['agent_assigned', sorted(customer, bob)],
  ]);
  t.ok(changed.owed_before);
  const [, closing] = changed.entries;
  t.match(closing, { closes_membership: true });
  const last = closing?.kind === 'conversation' ? closing.records[ann] : undefined;
  t.match(last, { state: 'assigned', assignee_id: bob, version: 4 });
  t.notOk(last?.participants.some(({ user_id }) => user_id === ann));
  t.match(changed.record, { assignee_id: bob });
  t.notOk('unread' in (changed.record ?? {}), 'who handed it on does not take part');
  const said = { event: 'agent_assigned', user_id: bob, reason: 'transfer' };
  t.match(changed.entries[2], { message: { sender_id: ann, metadata: said } });
  t.match(changed.inbox, [{ change: 'assigned', reason: 'transfer', is_due: true }]);
  await t.rejects(get(ann, id), { code: 'NOT_A_PARTICIPANT' });
});

t.test('a manager gives to and takes from anyone, and reads all', async (t) => {
  const scene = await setState('waiting');
  const { id, manager, ann, bob, customer } = scene;
  const given = await take({ user: manager, id }, 'assign', { agent_id: bob });
  t.match(given.record, { assignee_id: bob });
  t.notOk('unread' in (given.record ?? {}));
  t.match(given.entries[1], { message: { sender_id: manager, metadata: { reason: 'manual' } } });
  const moved = await take({ user: manager, id }, 'assign', { agent_id: ann });
  t.match(moved.entries[2], { message: { sender_id: manager, metadata: { reason: 'transfer' } } });
  const own = await take({ user: manager, id }, 'assign');
  t.same(told(own)[0], ['assigned', sorted(customer, manager)]);
  t.match(own.record, { assignee_id: manager, unread: Number }, 'to write they take it');
  t.match((await take({ user: manager, id }, 'close')).record, { state: 'closed' });
});

t.test('a release brings no event but to who loses it', async (t) => {
  const scene = await setState('assigned');
  const { id, ann, bob } = scene;
  const { last_seq } = await recordOf(scene);
  const changed = await take({ user: ann, id }, 'release');
  t.same(told(changed), [['assigned', [ann]]]);
  t.match(changed.record, { state: 'waiting', last_seq, waiting_since: String });
  t.match(changed.inbox, [{ change: 'released', reason: 'released', is_due: true }]);
  t.notOk('assignee_id' in (changed.record ?? {}));
  const again = await take({ user: ann, id }, 'assign');
  t.same(
    told(again).map(([event]) => event),
    ['assigned'],
    'the agent who had it last gets it without a message',
  );
  await take({ user: ann, id }, 'release');
  const other = await take({ user: bob, id }, 'assign');
  t.equal(told(other).length, 2);
});

t.test(
  'what nobody has answered keeps its waiting time, which may be that of a step',
  async (t) => {
    const scene = await setScene();
    const { id, manager, ann, bob, customer } = scene;
    const say = (user_id: UserId) => appendOk(store, id, [letter(user_id)]);
    const release = async (user: UserId) =>
      (await take({ user, id }, 'release')).record?.waiting_since;
    const { record: reopened } = await take({ user: manager, id }, 'reopen');
    await take({ user: ann, id }, 'assign');
    t.equal(await release(ann), reopened?.waiting_since, 'since the reopening');
    await take({ user: bob, id }, 'assign');
    await take({ user: bob, id }, 'assign', { agent_id: ann });
    t.equal(await release(ann), reopened?.waiting_since, 'also after a transfer');
    await take({ user: ann, id }, 'assign');
    await say(ann);
    const released = await release(ann);
    t.ok(String(released) > String(reopened?.waiting_since), 'since the release after an answer');
    await say(customer);
    t.equal((await recordOf(scene)).waiting_since, released);
    await take({ user: ann, id }, 'assign');
    t.equal(await release(ann), released, 'a message that came later does not change it');
  },
);

t.test('a close ends the part of the agent, who may still read and reopen', async (t) => {
  const scene = await setState('assigned');
  const { id, ann, bob, customer, manager } = scene;
  const closed = await take({ user: ann, id }, 'close');
  t.same(told(closed), [
    ['assigned', [customer]],
    ['assigned', [ann]],
    ['conversation_closed', [customer]],
  ]);
  t.match(closed.record, { state: 'closed', closed_at: String });
  t.match(closed.inbox, [{ change: 'closed', is_due: false, resolution_ms: Number }]);
  t.match(await get(ann, id), { record: { state: 'closed' } });
  await t.rejects(get(bob, id), { code: 'NOT_A_PARTICIPANT' });
  const reopened = await take({ user: ann, id }, 'reopen');
  t.same(told(reopened), [
    ['assigned', [customer]],
    ['conversation_reopened', [customer]],
  ]);
  t.match(reopened.inbox, [{ change: 'added', reason: 'reopened', is_due: true }]);
  t.notOk('closed_at' in (reopened.record ?? {}));
  const [row] = await sql('select * from conversations where conversation_id = $1', [id]);
  t.match(row, { preferred_agent_id: ann, unanswered_seq: null });
  await take({ user: manager, id }, 'close');
  t.match(await recordOf(scene), { state: 'closed' }, 'a manager closes what waits');
});

t.test('a step that holds already writes nothing and tells nobody', async (t) => {
  const steps = {
    assigned: [['ann', 'assign', {}]],
    waiting: [
      ['ann', 'release', {}],
      ['manager', 'release', {}],
      ['ann', 'reopen', {}],
      ['manager', 'reopen', {}],
    ],
    closed: [
      ['ann', 'close', {}],
      ['manager', 'close', {}],
    ],
  } as const;
  for (const [state, all] of Object.entries(steps)) {
    const scene = await setState(state as BusinessState);
    const before = await recordOf(scene);
    for (const [who, step, rest] of all) {
      const changed = await take({ user: scene[who], id: scene.id }, step, rest);
      t.match(
        changed,
        { entries: [], record: { state, version: before.version } },
        `${who} ${step}`,
      );
      t.equal(changed.inbox, undefined);
    }
    t.same(await recordOf(scene), before);
  }
  const { id, ann, manager } = await setState('assigned');
  const same = await take({ user: manager, id }, 'assign', { agent_id: ann });
  t.match(same, { entries: [], record: { assignee_id: ann } });
});

t.test('a conversation that never was open is closed, and a manager may open it', async (t) => {
  const { id, ann, manager } = await setScene();
  const closed = { code: 'CONFLICT', details: { state: 'closed' } };
  t.same(await refusalOf(take({ user: ann, id }, 'assign')), closed);
  t.same(await refusalOf(take({ user: manager, id }, 'release')), closed);
  t.match(await take({ user: manager, id }, 'close'), { entries: [] });
  for (const step of ['release', 'close', 'reopen'] as const) {
    t.match(await refusalOf(take({ user: ann, id }, step)), { code: 'NOT_A_PARTICIPANT' });
  }
  t.match(await take({ user: manager, id }, 'reopen'), { record: { state: 'waiting' } });
});

t.test('each refusal of the steps of people, by state and by who asks', async (t) => {
  const none = { code: 'NOT_A_PARTICIPANT', details: undefined };
  const forbidden = { code: 'FORBIDDEN', details: undefined };
  const inState = (state: BusinessState) => ({ code: 'CONFLICT', details: { state } });
  for (const state of ['waiting', 'assigned', 'closed'] as const) {
    const scene = await setState(state);
    const { id, ann, bob, cat, customer, stranger, manager } = scene;
    const before = await recordOf(scene);
    const toBob = state === 'waiting' ? forbidden : none;
    const refuse = async (user: UserId, asked: Step | [Step, object], refusal: object) => {
      const [step, rest = {}] = Array.isArray(asked) ? asked : [asked];
      const refused = await refusalOf(take({ user, id }, step, rest));
      t.same(refused, refusal, `${step} of what is ${state}`);
    };
    for (const step of ['assign', 'release', 'close', 'reopen'] as const) {
      await refuse(stranger, step, none);
      await refuse(customer, step, forbidden);
      if (step !== 'assign') await refuse(bob, step, toBob);
    }
    await refuse(bob, ['assign', { agent_id: cat }], toBob);
    await refuse(customer, ['assign', { agent_id: bob }], forbidden);
    for (const agent_id of [stranger, customer]) {
      const refusal = { code: 'INVALID_REQUEST', details: undefined };
      await refuse(manager, ['assign', { agent_id }], refusal);
    }
    if (state === 'assigned') {
      const faster = { code: 'CONFLICT', details: { assignee_id: ann } };
      await refuse(bob, 'assign', faster);
      await refuse(bob, ['assign', { agent_id: bob, force: true }], faster);
      await refuse(ann, 'reopen', inState('assigned'));
      await refuse(manager, 'reopen', inState('assigned'));
    } else {
      await refuse(ann, state === 'waiting' ? 'close' : 'release', forbidden);
    }
    if (state === 'waiting') await refuse(ann, ['assign', { agent_id: bob }], forbidden);
    if (state === 'closed') {
      await refuse(ann, 'assign', inState('closed'));
      await refuse(bob, 'assign', inState('closed'));
      await refuse(ann, ['assign', { agent_id: bob }], inState('closed'));
      await refuse(manager, ['assign', { agent_id: bob, force: true }], inState('closed'));
      await refuse(manager, 'release', inState('closed'));
    }
    t.same(await recordOf(scene), before, 'a refusal changes nothing');
  }
});

t.test('an agent has no more than their places, but by force', async (t) => {
  const { business, manager, ann, bob, id: first } = await setState('assigned', 1);
  const { id } = await makeConversation(store, business);
  await take({ user: manager, id }, 'reopen');
  const full = { code: 'CONFLICT', details: { capacity: 1, open: 1 } };
  t.same(await refusalOf(take({ user: ann, id }, 'assign')), full);
  const rest = { agent_id: ann };
  t.same(await refusalOf(take({ user: manager, id }, 'assign', rest)), full);
  const forced = await take({ user: ann, id }, 'assign', { force: true });
  t.match(forced.inbox, [{ reason: 'forced' }]);
  t.match(forced.entries[1], { message: { metadata: { reason: 'manual' } } });
  const moved = await take({ user: ann, id: first }, 'assign', { agent_id: bob });
  t.match(moved.record, { assignee_id: bob }, 'places are counted for who gets it');
  const own = { asker: manager, business_id: business, agent: { user_id: bob, capacity: 2 } };
  await operations['businesses.set_agent'](own, 0);
  t.match(
    await take({ user: ann, id }, 'assign', { agent_id: bob }),
    { record: { assignee_id: bob }, inbox: [{ reason: 'transfer' }] },
    'the own capacity of an agent goes before that of the business',
  );
});

t.test('conversations of people have no agent and no state', async (t) => {
  const { ann } = await setScene();
  const talk = await createTalk(store);
  const people = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
  const group = await createGroup(store, people);
  for (const step of ['assign', 'release', 'close', 'reopen'] as const) {
    for (const [user, id] of [
      [talk.alice, talk.id],
      [people[0] as UserId, group],
    ] as const) {
      const refused = refusalOf(take({ user, id }, step));
      t.match(await refused, { code: 'FORBIDDEN' }, step);
    }
    const refused = refusalOf(take({ user: ann, id: talk.id }, step));
    t.match(await refused, { code: 'NOT_A_PARTICIPANT' }, step);
    const nowhere = { user: ann, id: newId<ConversationId>() };
    t.match(await refusalOf(take(nowhere, step)), { code: 'CONVERSATION_NOT_FOUND' });
  }
});

t.test('a customer who is an agent of the business is its customer only', async (t) => {
  const { business, manager, ann } = await setScene();
  const { id } = await makeConversation(store, business, ann);
  await take({ user: manager, id }, 'reopen');
  t.match(await refusalOf(take({ user: ann, id }, 'assign')), { code: 'FORBIDDEN' });
  const rest = { agent_id: ann };
  t.match(await refusalOf(take({ user: manager, id }, 'assign', rest)), {
    code: 'INVALID_REQUEST',
  });
});

t.test('a business of which nothing is set has no agents', async (t) => {
  const { id, customer } = await makeConversation(store, newId());
  t.match(await refusalOf(take({ user: customer, id }, 'close')), { code: 'FORBIDDEN' });
  const user = newId<UserId>();
  t.match(await refusalOf(take({ user, id }, 'assign')), { code: 'NOT_A_PARTICIPANT' });
});

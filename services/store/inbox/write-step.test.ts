import t from 'tap';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { ConversationChanged } from '../../../shared/contracts/outbox.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { makeBusiness, makeConversation, stepTaker } from '../stage/business-stage.ts';
import { appendOk, letter, setStage } from '../stage/store-stage.ts';

const { store, sql } = await setStage(t);
const take = stepTaker(store);

type Scene = Awaited<ReturnType<typeof setScene>>;
type Inbox = { version: number; due_at: string | null };

/** The conversation waits, and nobody has to look at the business. */
async function setScene() {
  const { business, manager, agents } = await makeBusiness(store);
  const [ann, bob] = agents as [UserId, UserId];
  await sql("update business_agents set status = 'available', offline_since = null");
  const { id, customer } = await makeConversation(store, business);
  await take({ user: manager, id }, 'reopen');
  await setDue(business, null);
  return { business, manager, ann, bob, id, customer };
}

const setDue = (business: BusinessId, due: string | null) =>
  sql('update business_inboxes set due_at = $2::timestamptz where business_id = $1', [
    business,
    due,
  ]);
const inboxOf = async ({ business }: Pick<Scene, 'business'>): Promise<Inbox | undefined> =>
  (await sql<Inbox>('select * from business_inboxes where business_id = $1', [business]))[0];
const giveOut = ({ business, id, ann }: Scene) => {
  const op = 'conversations.assign_waiting';
  const command: object = { op, user_id: business, conversation_id: id, agent_id: ann, version: 2 };
  return store.operations['conversations.change'](command as ConversationCommand, 0);
};

t.test('a router has to look after each step that makes something possible', async (t) => {
  const byAnn = (scene: Scene) => ({ user: scene.ann, id: scene.id });
  const byBoss = (scene: Scene) => ({ user: scene.manager, id: scene.id });
  type Do = (scene: Scene) => Promise<unknown>;
  const assign: Do = (scene) => take(byAnn(scene), 'assign');
  const assignAndWait: Do = async (scene) => {
    await assign(scene);
    const other = await makeConversation(store, scene.business);
    await take({ user: scene.manager, id: other.id }, 'reopen');
  };
  const send: Do = ({ id, customer }) => appendOk(store, id, [letter(customer)]);
  const steps: [string, boolean, Do, Do?][] = [
    ['it is taken by hand, by an agent who may be away', true, assign],
    ['it is given out by a router', false, giveOut],
    ['it is given back', true, (scene) => take(byAnn(scene), 'release'), assign],
    [
      'it goes to another agent',
      true,
      (scene) => take(byAnn(scene), 'assign', { agent_id: scene.bob }),
      assign,
    ],
    ['a place frees', true, (scene) => take(byAnn(scene), 'close'), assignAndWait],
    ['a place frees for nobody', false, (scene) => take(byAnn(scene), 'close'), assign],
    ['nobody had it', false, (scene) => take(byBoss(scene), 'close')],
    [
      'it is reopened',
      true,
      (scene) => take(byBoss(scene), 'reopen'),
      (scene) => take(byBoss(scene), 'close'),
    ],
    ['it opens by a message', true, send, (scene) => take(byBoss(scene), 'close')],
    ['it waits already', false, send],
  ];
  for (const [why, isDue, step, before] of steps) {
    const scene = await setScene();
    await before?.(scene);
    await setDue(scene.business, null);
    const { version } = (await inboxOf(scene)) as Inbox;
    await step(scene);
    const after = await inboxOf(scene);
    t.equal(after?.version, version + 1, why);
    t.equal(after?.due_at !== null, isDue, why);
  }
});

t.test('a step makes what is due later due now, and leaves what was due before', async (t) => {
  const scene = await setScene();
  const lease = '2999-01-01T00:00:00.000Z';
  await setDue(scene.business, lease);
  await giveOut(scene);
  t.match(await inboxOf(scene), { due_at: lease }, 'what a router gives out is none of it');
  await take({ user: scene.ann, id: scene.id }, 'release');
  t.ok(((await inboxOf(scene))?.due_at ?? lease) < lease);
  const past = '2020-01-01T00:00:00.000Z';
  await setDue(scene.business, past);
  await take({ user: scene.ann, id: scene.id }, 'assign');
  t.match(await inboxOf(scene), { due_at: past });
});

t.test('the log has each step: who took it, whom it concerns, and why', async (t) => {
  const scene = await setScene();
  const { business, manager, ann, bob, id, customer } = scene;
  await giveOut(scene);
  await take({ user: ann, id }, 'assign', { agent_id: bob });
  await take({ user: manager, id }, 'release');
  await appendOk(store, id, [letter(customer)]);
  await take({ user: bob, id }, 'assign', { force: true });
  await take({ user: bob, id }, 'close');
  await appendOk(store, id, [letter(customer)]);
  const log = await sql('select * from business_steps where business_id = $1 order by version', [
    business,
  ]);
  const nobody = { agent_id: null, from_agent_id: null, open: null, capacity: null };
  const load = { open: 1, capacity: 5 };
  t.match(log, [
    { version: 1, step: 'added', reason: 'reopened', actor_id: manager, ...nobody },
    { version: 2, step: 'assigned', reason: 'auto', actor_id: null, agent_id: ann, ...load },
    {
      ...{ version: 3, step: 'assigned', reason: 'transfer', actor_id: ann, ...load },
      ...{ agent_id: bob, from_agent_id: ann, waiting_since: null },
    },
    { version: 4, step: 'released', reason: 'released', actor_id: manager, from_agent_id: bob },
    // A message of a customer who waits is the change 5 of the inbox, and no step.
    { version: 6, step: 'assigned', reason: 'manual', agent_id: bob, waiting_since: String },
    { version: 7, step: 'closed', reason: 'closed', actor_id: bob, from_agent_id: bob },
    { version: 8, step: 'added', reason: 'message', actor_id: customer, ...nobody },
  ]);
  t.ok(log.every((row) => row.conversation_id === id));
});

t.test('changes of an inbox are numbered without a gap, by any stores', async (t) => {
  const { business, manager } = await makeBusiness(store);
  const versions = await Promise.all(
    Array.from({ length: 12 }, async (): Promise<(number | undefined)[]> => {
      const { id } = await makeConversation(store, business, newId<UserId>());
      const own = { user: manager, id: id as ConversationId };
      const steps: ConversationChanged[] = [];
      steps.push(await take(own, 'reopen'), await take(own, 'assign', { force: true }));
      steps.push(await take(own, 'release'), await take(own, 'close'));
      return steps.map(({ inbox }) => inbox?.[0]?.version);
    }),
  );
  t.same(
    versions.flat().sort((one, other) => Number(one) - Number(other)),
    Array.from({ length: 48 }, (_, n) => n + 1),
  );
  t.match(await inboxOf({ business }), { version: 48 });
});

t.test('who was given something last is next last', async (t) => {
  const scene = await setScene();
  const lastOf = async (user: UserId) =>
    (await sql('select last_assigned_at from business_agents where user_id = $1', [user]))[0]
      ?.last_assigned_at;
  await giveOut(scene);
  const first = String(await lastOf(scene.ann));
  t.match(first, /^20/);
  t.equal(await lastOf(scene.bob), null);
  await take({ user: scene.ann, id: scene.id }, 'assign', { agent_id: scene.bob });
  t.ok(String(await lastOf(scene.bob)) >= first);
  t.equal(await lastOf(scene.ann), first, 'what one loses changes nothing');
});

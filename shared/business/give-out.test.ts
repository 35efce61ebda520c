import { randomInt } from 'node:crypto';
import t from 'tap';
import { isSoak } from '../../dev/testing/test-servers.ts';
import type { AssignmentPlan } from '../contracts/assignment.ts';
import type { UserId } from '../ids.ts';
import { type AgentLoad, giveOut, PLANS_MAX, type Scene } from './give-out.ts';
import { makeDraw } from './stage/random-hours.ts';
import { agentOf, drawScene, heldOf, sceneOf, waitingOf } from './stage/random-scenes.ts';

const SCENES = isSoak ? 100_000 : 3_000;
const HOUR_MS = 3_600_000;
const { nowMs } = sceneOf({});

/** Returns who gets each waiting conversation; undefined for one that goes on waiting. */
function takersOf(scene: Scene): (UserId | undefined)[] {
  const { plans } = giveOut(scene);
  return scene.waiting.map((waiting) => takerIn(plans, waiting));
}

type Named = Pick<AssignmentPlan, 'conversation_id'>;

function takerIn(plans: readonly AssignmentPlan[], { conversation_id }: Named): UserId | undefined {
  return plans.find((plan) => plan.conversation_id === conversation_id)?.agent_id;
}

t.test(
  'the agent with the fewest conversations is taken, then the one longest without',
  async (t) => {
    const busy = agentOf({ open: 3 });
    const [late, early] = [nowMs - 1, nowMs - 2].map((lastAssignedAtMs) =>
      agentOf({ open: 1, lastAssignedAtMs }),
    ) as [AgentLoad, AgentLoad];
    const agents = [busy, late, early];
    const waiting = Array.from({ length: 4 }, () => waitingOf());
    const expected = [early, late, early, late].map(({ user_id }) => user_id);
    t.same(takersOf(sceneOf({ agents, waiting })), expected);
    const fresh = agentOf({ open: 1 });
    t.equal(takersOf(sceneOf({ agents: [...agents, fresh], waiting }))[0], fresh.user_id);
  },
);

t.test('round robin ignores how much an agent has, and passes a full agent over', async (t) => {
  const settings = { ...sceneOf({}).settings, assignment: 'round_robin' as const };
  const first = agentOf({ open: 4, lastAssignedAtMs: nowMs - 3 });
  const second = agentOf({ open: 0, lastAssignedAtMs: nowMs - 2 });
  const full = agentOf({ open: 5, lastAssignedAtMs: nowMs - 9 });
  const waiting = Array.from({ length: 3 }, () => waitingOf());
  const expected = [first, second, second].map(({ user_id }) => user_id);
  t.same(takersOf(sceneOf({ settings, agents: [second, full, first], waiting })), expected);
});

t.test('equals are taken by their ids', async (t) => {
  const agents = Array.from({ length: 5 }, () => agentOf());
  const waiting = Array.from({ length: 5 }, () => waitingOf());
  const ids = agents.map(({ user_id }) => user_id).sort();
  t.same(takersOf(sceneOf({ agents, waiting })), ids);
});

t.test(
  'nobody is given a conversation of their own, and the next one is not held up',
  async (t) => {
    const agent = agentOf({ capacity: 1 });
    const waiting = [waitingOf({ customer_id: agent.user_id }), waitingOf(), waitingOf()];
    t.same(takersOf(sceneOf({ agents: [agent], waiting })), [undefined, agent.user_id, undefined]);
  },
);

t.test(
  'a reopened conversation waits for its agent alone, and only while that one is available',
  async (t) => {
    const [full, free] = [agentOf({ open: 5 }), agentOf({ capacity: 1 })];
    const waiting = [waitingOf({ preferred_agent_id: full.user_id }), waitingOf()];
    const agents = [full, free];
    t.same(takersOf(sceneOf({ agents, waiting })), [undefined, free.user_id]);
    const gone = { ...full, isAvailable: false };
    t.same(takersOf(sceneOf({ agents: [gone, free], waiting })), [free.user_id, undefined]);
    const back = { ...full, open: 4 };
    t.same(takersOf(sceneOf({ agents: [back, free], waiting })), [full.user_id, free.user_id]);
    const stranger = [waitingOf({ preferred_agent_id: waitingOf().customer_id })];
    t.same(takersOf(sceneOf({ agents: [free], waiting: stranger })), [free.user_id]);
  },
);

t.test('a closed business gives nothing out, and is looked at when it opens', async (t) => {
  const scene = sceneOf({ isOpen: false, agents: [agentOf()], waiting: [waitingOf()] });
  t.same(giveOut({ ...scene, opensAtMs: nowMs + 5_000 }), {
    plans: [],
    isAll: true,
    nextAtMs: nowMs + 5_000,
  });
  t.same(giveOut({ ...scene, opensAtMs: undefined }), {
    plans: [],
    isAll: true,
    nextAtMs: undefined,
  });
  const far = giveOut({ ...scene, opensAtMs: nowMs + 90 * HOUR_MS });
  t.equal(far.nextAtMs, nowMs + HOUR_MS, 'it is looked at before, because hours may change');
  const idle = { ...scene, waiting: [], opensAtMs: nowMs + 5_000 };
  t.same(
    giveOut(idle),
    { plans: [], isAll: true, nextAtMs: undefined },
    'nothing waits for the opening',
  );
});

t.test('what an absent agent has goes back before anything is given out', async (t) => {
  const gone = agentOf({ isAvailable: false, offlineSinceMs: nowMs - 60_000 });
  const held = [heldOf(gone), heldOf(gone, { hasAnswered: true })];
  const scene = sceneOf({ agents: [gone, agentOf()], held, waiting: [waitingOf()] });
  const { plans } = giveOut(scene);
  t.match(plans, [{ kind: 'return', reason: 'offline', agent_id: gone.user_id, version: 3 }]);
  t.equal(plans.length, 1);
  t.match(giveOut({ ...scene, isOpen: false }).plans, plans, 'also while it is closed');
});

t.test('the end of a grace is awaited for what is held and for what waits', async (t) => {
  const agent = agentOf({ offlineSinceMs: nowMs - 59_000, open: 5 });
  const agents = [agent];
  t.equal(giveOut(sceneOf({ agents })).nextAtMs, undefined);
  t.equal(giveOut(sceneOf({ agents, held: [heldOf(agent)] })).nextAtMs, nowMs + 1_000);
  const waiting = [waitingOf({ preferred_agent_id: agent.user_id })];
  t.equal(giveOut(sceneOf({ agents, waiting })).nextAtMs, nowMs + 1_000);
});

t.test('a scene gives no more plans than can be carried out before it is old', async (t) => {
  const agents = [agentOf({ capacity: 100 })];
  const waiting = Array.from({ length: 2 * PLANS_MAX }, () => waitingOf());
  t.equal(giveOut(sceneOf({ agents, waiting })).plans.length, PLANS_MAX);
  const gone = agentOf({ status: 'offline', isAvailable: false });
  const held = Array.from({ length: 2 * PLANS_MAX }, () => heldOf(gone));
  t.equal(giveOut(sceneOf({ agents: [gone], held })).plans.length, PLANS_MAX);
});

/** Says which promise of the protocol the plans of a scene break. */
function broken(scene: Scene): string | undefined {
  const { plans, nextAtMs } = giveOut(scene);
  if (nextAtMs !== undefined && nextAtMs <= scene.nowMs) return 'the next look has passed';
  const isReturning = plans.some(({ kind }) => kind === 'return');
  if (isReturning) return plans.some(({ kind }) => kind === 'assign') ? 'both at once' : undefined;
  if (!scene.isOpen) return plans.length > 0 ? 'closed' : undefined;
  const loads = new Map(scene.agents.map((agent) => [agent.user_id, { ...agent }]));
  const passed: Scene['waiting'][number][] = [];
  for (const waiting of scene.waiting) {
    const isWhole = plans.length < PLANS_MAX;
    const takerId = takerIn(plans, waiting);
    const could = (load: AgentLoad): boolean => mayHave(scene, waiting, load);
    if (takerId === undefined) {
      if (isWhole && [...loads.values()].some(could)) return 'one could have been assigned';
      passed.push(waiting);
      continue;
    }
    const taker = loads.get(takerId) as AgentLoad;
    if (!could(taker)) return 'the agent could not have it';
    if (isWhole && passed.some((older) => mayHave(scene, older, taker)))
      return 'one was passed over';
    const isBetter = [...loads.values()].filter(could).some((load) => isBefore(scene, load, taker));
    if (isBetter) return 'another agent was due';
    loads.set(takerId, { ...taker, open: taker.open + 1, lastAssignedAtMs: Infinity });
  }
  return undefined;
}

function mayHave({ agents }: Scene, waiting: Scene['waiting'][number], load: AgentLoad): boolean {
  const { customer_id, preferred_agent_id: preferred } = waiting;
  const isAwaited = agents.some(({ user_id, isAvailable }) => isAvailable && user_id === preferred);
  if (isAwaited && preferred !== load.user_id) return false;
  return load.isAvailable && load.open < load.capacity && load.user_id !== customer_id;
}

/** Two agents who both got one within the scene are told apart by nobody here. */
function isBefore({ settings }: Scene, one: AgentLoad, other: AgentLoad): boolean {
  if (settings.assignment === 'least_busy' && one.open !== other.open) return one.open < other.open;
  const [at = 0, otherAt = 0] = [one.lastAssignedAtMs, other.lastAssignedAtMs];
  if (at !== otherAt) return at < otherAt;
  return at !== Infinity && one.user_id < other.user_id;
}

t.test(`what is promised of the assignment holds in ${SCENES} random scenes`, async (t) => {
  const seed = randomInt(2 ** 31);
  const draw = makeDraw(seed);
  let planned = 0;
  for (let index = 0; index < SCENES; index += 1) {
    const scene = drawScene(draw);
    planned += giveOut(scene).plans.length;
    const problem = broken(scene);
    if (problem !== undefined) return t.fail(`${problem}: scene ${index} of seed ${seed}`);
  }
  t.ok(planned > SCENES, `${planned} plans`);
  return undefined;
});

t.test('an agent whose grace runs is looked at when it ends, if they are given something', (t) => {
  const settings = { ...sceneOf({}).settings, offline_grace_s: 60 };
  const agent = agentOf({ offlineSinceMs: nowMs - 20_000 });
  const { plans, nextAtMs } = giveOut(
    sceneOf({ settings, agents: [agent], waiting: [waitingOf()] }),
  );
  t.equal(plans.length, 1);
  t.equal(nextAtMs, nowMs + 40_000);
  t.end();
});

t.test('plans are all that is possible, unless something goes back or much waits', (t) => {
  const agents = [agentOf({ capacity: 100 })];
  const isAll = (scene: Partial<Scene>): boolean => giveOut(sceneOf({ agents, ...scene })).isAll;
  const waiting = (count: number) => Array.from({ length: count }, () => waitingOf());
  t.equal(isAll({}), true);
  t.equal(isAll({ waiting: waiting(PLANS_MAX - 1) }), true);
  t.equal(isAll({ waiting: waiting(PLANS_MAX) }), false);
  const gone = agentOf({ status: 'offline', statusAtMs: nowMs - HOUR_MS });
  const held = [heldOf(gone, { assignedAtMs: nowMs - 2 * HOUR_MS })];
  t.equal(isAll({ agents: [gone], held, waiting: waiting(1) }), false);
  t.end();
});

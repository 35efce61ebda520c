import type { AssignmentPlan } from '../contracts/assignment.ts';
import type { ConversationId, UserId } from '../ids.ts';
import type { BusinessSettings } from '../protocol/business-shapes.ts';
import { type Agent, type HeldConversation, returnOf } from './agent-absence.ts';

/** `isAvailable` says that the agent takes conversations now, if there is a free place. */
export type AgentLoad = Agent & {
  isAvailable: boolean;
  capacity: number;
  /** The agent has this many conversations. */
  open: number;
  /** Is undefined for an agent who was never given one. */
  lastAssignedAtMs: number | undefined;
};

export type WaitingConversation = {
  conversation_id: ConversationId;
  version: number;
  customer_id: UserId;
  /** While this agent is available, nobody else is given the conversation. */
  preferred_agent_id: UserId | undefined;
};

/** A scene is what a business has at one instant. */
export type Scene = {
  nowMs: number;
  isOpen: boolean;
  /** A business that is closed opens then. */
  opensAtMs: number | undefined;
  settings: Pick<BusinessSettings, 'assignment' | 'offline_grace_s' | 'reassign_after_s'>;
  /** The conversation that has waited longest comes first. */
  waiting: readonly WaitingConversation[];
  agents: readonly AgentLoad[];
  held: readonly HeldConversation[];
};

export type GivenOut = {
  plans: AssignmentPlan[];
  /** Nothing else is possible once the plans are carried out, so nobody has to look again. */
  isAll: boolean;
  /** Time alone makes something possible after the plans. A step may do so earlier. */
  nextAtMs: number | undefined;
};

/** A scene is read anew after this many plans, because it grows old while they are carried out. */
export const PLANS_MAX = 32;
/** Nothing is planned further ahead. The scene that is read then tells the rest. */
const AHEAD_MS_MAX = 3_600_000;

/**
 * Decides what a business gives out now. First come first served: each conversation goes to an
 * available agent with a free place, who is not its customer. `least_busy` takes the agent with the
 * fewest conversations, and among these the one who has been longest without a new one;
 * `round_robin` takes the one who has been longest without a new one. A conversation whose
 * preferred agent is available waits for a free place of that agent, and holds up no other.
 *
 * Conversations whose agents are gone go back before anything is given out, because they may have
 * waited longer than those that wait now. The next scene has them among its waiting ones.
 */
export function giveOut(scene: Scene): GivenOut {
  const { returns, nextAtMs } = planReturns(scene);
  const plans = returns.length > 0 || !scene.isOpen ? returns : planAssignments(scene);
  const next = [nextAtMs, nextGraceEnd(scene), opening(scene), ...absencesAfter(scene, plans)];
  const known = next.filter((at) => at !== undefined);
  const soonest = Math.min(...known, scene.nowMs + AHEAD_MS_MAX);
  return {
    plans,
    isAll: plans.length === 0 || (returns.length === 0 && scene.waiting.length < PLANS_MAX),
    nextAtMs: known.length === 0 ? undefined : soonest,
  };
}

function planReturns({ nowMs, settings, agents, held }: Scene) {
  const byId = new Map(agents.map((agent) => [agent.user_id, agent]));
  const returns: AssignmentPlan[] = [];
  let nextAtMs: number | undefined;
  for (const conversation of held) {
    const agent = byId.get(conversation.agent_id);
    const due = agent && returnOf(conversation, agent, settings);
    if (due === undefined) continue;
    const { conversation_id, version, agent_id } = conversation;
    const { reason, atMs } = due;
    if (atMs > nowMs) nextAtMs = Math.min(atMs, nextAtMs ?? atMs);
    else returns.push({ conversation_id, version, agent_id, kind: 'return', reason });
  }
  return { returns: returns.slice(0, PLANS_MAX), nextAtMs };
}

/** The scene changes with each plan: the agent has one more, and the newest of all. */
function planAssignments({ waiting, agents, settings }: Scene): AssignmentPlan[] {
  const loads = agents.filter(({ isAvailable }) => isAvailable).map((agent) => ({ ...agent }));
  const byId = new Map(loads.map((load) => [load.user_id, load]));
  const compare = ORDERS[settings.assignment];
  const plans: AssignmentPlan[] = [];
  for (const { conversation_id, version, customer_id, preferred_agent_id: preferred } of waiting) {
    if (plans.length === PLANS_MAX) break;
    const awaited = preferred && byId.get(preferred);
    const candidates = awaited === undefined ? loads : [awaited];
    const agent = candidates
      .filter(({ user_id, open, capacity }) => open < capacity && user_id !== customer_id)
      .reduce<AgentLoad | undefined>(
        (best, load) => (best === undefined || compare(load, best) < 0 ? load : best),
        undefined,
      );
    if (agent === undefined) continue;
    const { user_id: agent_id } = agent;
    plans.push({ conversation_id, version, agent_id, kind: 'assign' });
    agent.open += 1;
    agent.lastAssignedAtMs = NEWEST_MS + plans.length;
  }
  return plans;
}

/** The assignments that are planned are newer than all that were made, each by one. */
const NEWEST_MS = Number.MAX_SAFE_INTEGER / 2;

type Order = (one: AgentLoad, other: AgentLoad) => number;

const longestWithout: Order = (one, other) => {
  const [atMs = Number.NEGATIVE_INFINITY, otherMs = Number.NEGATIVE_INFINITY] = [
    one.lastAssignedAtMs,
    other.lastAssignedAtMs,
  ];
  if (atMs !== otherMs) return atMs < otherMs ? -1 : 1;
  return one.user_id < other.user_id ? -1 : 1;
};
const fewestOpen: Order = (one, other) => one.open - other.open || longestWithout(one, other);
const ORDERS: Record<BusinessSettings['assignment'], Order> = {
  least_busy: fewestOpen,
  round_robin: longestWithout,
};

/** An agent whose grace runs may be given something, and loses it when the grace ends. */
function absencesAfter({ nowMs, agents, settings }: Scene, plans: readonly AssignmentPlan[]) {
  const isGiven = new Set(
    plans.flatMap(({ kind, agent_id }) => (kind === 'assign' ? agent_id : [])),
  );
  return agents
    .filter(({ user_id, offlineSinceMs }) => offlineSinceMs !== undefined && isGiven.has(user_id))
    .map(({ offlineSinceMs = nowMs }) => offlineSinceMs + settings.offline_grace_s * 1_000);
}

/** An agent whose grace ends is no longer waited for, and gives up what nobody has answered. */
function nextGraceEnd({ nowMs, settings, agents, waiting }: Scene): number | undefined {
  if (waiting.length === 0) return undefined;
  let next: number | undefined;
  for (const { isAvailable, offlineSinceMs } of agents) {
    if (!isAvailable || offlineSinceMs === undefined) continue;
    const endMs = offlineSinceMs + settings.offline_grace_s * 1_000;
    if (endMs > nowMs) next = Math.min(endMs, next ?? endMs);
  }
  return next;
}

function opening({ isOpen, opensAtMs, waiting }: Scene): number | undefined {
  return isOpen || waiting.length === 0 ? undefined : opensAtMs;
}

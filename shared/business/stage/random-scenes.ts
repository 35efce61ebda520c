import { type ConversationId, newId, type UserId } from '../../ids.ts';
import type { HeldConversation } from '../agent-absence.ts';
import type { AgentLoad, Scene, WaitingConversation } from '../give-out.ts';
import type { makeDraw } from './random-hours.ts';

type Draw = ReturnType<typeof makeDraw>;

const STATUSES = ['available', 'available', 'available', 'away', 'offline'] as const;
const ASSIGNMENTS = ['least_busy', 'round_robin'] as const;
/** The times of a scene lie within this time before it. */
const PAST_MS = 1_000_000;
const NOW_MS = Date.UTC(2_026, 6, 27, 10);

/** Makes the scene of a business with three agents at most, and changes what the test is about. */
export function sceneOf(changed: Partial<Scene>): Scene {
  return {
    ...{ nowMs: NOW_MS, isOpen: true, opensAtMs: undefined, waiting: [], agents: [], held: [] },
    settings: { assignment: 'least_busy', offline_grace_s: 60, reassign_after_s: 300 },
    ...changed,
  };
}

/** The agent is available, has nothing, and was never given anything. */
export function agentOf(changed: Partial<AgentLoad> = {}): AgentLoad {
  return {
    ...{ user_id: newId<UserId>(), status: 'available', statusAtMs: NOW_MS - PAST_MS },
    ...{ offlineSinceMs: undefined, isAvailable: true, capacity: 5, open: 0 },
    lastAssignedAtMs: undefined,
    ...changed,
  };
}

export function waitingOf(changed: Partial<WaitingConversation> = {}): WaitingConversation {
  return {
    ...{ conversation_id: newId<ConversationId>(), version: 2, customer_id: newId<UserId>() },
    preferred_agent_id: undefined,
    ...changed,
  };
}

export function heldOf({ user_id }: AgentLoad, changed: Partial<HeldConversation> = {}) {
  return {
    ...{ conversation_id: newId<ConversationId>(), version: 3, agent_id: user_id },
    ...{ assignedAtMs: NOW_MS - 600_000, hasAnswered: false, unansweredSinceMs: undefined },
    ...changed,
  };
}

/**
 * Draws a business that has up to 12 agents, up to 80 waiting conversations, and up to 10 that
 * agents have. Some customers are agents, and some conversations prefer an agent.
 */
export function drawScene(draw: Draw): Scene {
  const settings = { assignment: pick(draw, ASSIGNMENTS), offline_grace_s: 60 };
  const agents = Array.from({ length: draw(13) }, () => drawAgent(draw));
  const waiting = Array.from({ length: draw(81) }, () => {
    const [customer, preferred] = [draw(10) === 0, draw(4) === 0].map((isOne) =>
      isOne && agents.length > 0 ? pick(draw, agents).user_id : undefined,
    );
    return waitingOf({
      ...(customer !== undefined && { customer_id: customer }),
      preferred_agent_id: preferred === customer ? undefined : preferred,
    });
  });
  const held =
    agents.length === 0 ? [] : Array.from({ length: draw(11) }, () => drawHeld(draw, agents));
  const isOpen = draw(5) > 0;
  return sceneOf({
    ...{ waiting, agents, held: draw(3) === 0 ? held : [], isOpen },
    ...{ opensAtMs: isOpen || draw(2) === 0 ? undefined : NOW_MS + draw(2 * PAST_MS) },
    settings: { ...settings, reassign_after_s: 30 + draw(600) },
  });
}

function drawAgent(draw: Draw): AgentLoad {
  const status = pick(draw, STATUSES);
  const offlineSinceMs = draw(2) === 0 ? undefined : NOW_MS - draw(120_000);
  const isThere = offlineSinceMs === undefined || NOW_MS - offlineSinceMs < 60_000;
  const capacity = 1 + draw(6);
  return agentOf({
    ...{ status, offlineSinceMs, isAvailable: status === 'available' && isThere, capacity },
    open: draw(capacity + 2),
    lastAssignedAtMs: draw(3) === 0 ? undefined : NOW_MS - draw(10),
  });
}

function drawHeld(draw: Draw, agents: readonly AgentLoad[]): HeldConversation {
  return heldOf(pick(draw, agents), {
    ...{ assignedAtMs: NOW_MS - draw(PAST_MS), hasAnswered: draw(2) === 0 },
    unansweredSinceMs: draw(2) === 0 ? undefined : NOW_MS - draw(PAST_MS),
  });
}

function pick<Item>(draw: Draw, items: readonly Item[]): Item {
  return items[draw(items.length)] as Item;
}

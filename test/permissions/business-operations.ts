import { NEVER_OPEN } from '../stage/business.ts';
import { judgeStep, PLACES, type StepName, takeStep } from './steps.ts';
import { conversationPath, OK, type Operation, type Target } from './target.ts';
import type { Business } from './world.ts';

const SETTINGS = { ...NEVER_OPEN, capacity: PLACES };

/** These operations name a business, or are steps of a conversation of one. */
export const BUSINESS_OPERATIONS: readonly Operation[] = [
  {
    name: 'open',
    rest: (on) => ({ method: 'POST', path: '/conversations', body: conversationOf(on) }),
    frame: (on) => ({ type: 'create_conversation', conversation: conversationOf(on) }),
    expect: () => OK,
    done({ world, userId, businessId }, { conversation_id }) {
      world.opened({ id: String(conversation_id), businessId, customerId: userId });
    },
  },
  step('take', {
    rest: (on) => ({ method: 'PUT', path: `${conversationPath(on)}/assignee` }),
    frame: (on) => ({ type: 'assign', conversation_id: on.conversationId }),
  }),
  step('give', {
    rest: (on) => ({ method: 'PUT', path: `${conversationPath(on)}/assignee`, body: giftOf(on) }),
    frame: (on) => ({ type: 'assign', conversation_id: on.conversationId, ...giftOf(on) }),
  }),
  step('release', {
    rest: (on) => ({ method: 'DELETE', path: `${conversationPath(on)}/assignee` }),
    frame: (on) => ({ type: 'release', conversation_id: on.conversationId }),
  }),
  step('close', {
    rest: (on) => ({
      ...{ method: 'PUT', path: `${conversationPath(on)}/state` },
      body: { state: 'closed' },
    }),
    frame: (on) => ({ type: 'close', conversation_id: on.conversationId }),
  }),
  step('reopen', {
    rest: (on) => ({
      ...{ method: 'PUT', path: `${conversationPath(on)}/state` },
      body: { state: 'waiting' },
    }),
    frame: (on) => ({ type: 'reopen', conversation_id: on.conversationId }),
  }),
  {
    name: 'get settings',
    rest: (on) => ({ method: 'GET', path: businessPath(on) }),
    expect: asAgent,
  },
  {
    name: 'set settings',
    rest: (on) => ({ method: 'PUT', path: businessPath(on), body: SETTINGS }),
    expect: asManager,
  },
  {
    name: 'list agents',
    rest: (on) => ({ method: 'GET', path: `${businessPath(on)}/agents` }),
    expect: asAgent,
    // Whoever reads the list knows those who are in it.
    done: ({ world, business, userId }) => world.met(userId, [...(business as Business).keys()]),
  },
  {
    name: 'set agents',
    rest: (on) => ({
      method: 'PUT',
      path: `${businessPath(on)}/agents`,
      body: { agents: agentsOf(on.business).map(([user_id, role]) => ({ user_id, role })) },
    }),
    expect: asManager,
    done: ({ world, business, userId }) => world.met(userId, [...(business as Business).keys()]),
  },
  {
    name: 'set agent',
    rest: (on) => ({ method: 'PUT', path: agentPath(on), body: { role: roleOf(on) } }),
    expect: asManager,
    done(on) {
      (on.business as Business).set(on.otherId, roleOf(on));
      on.world.met(on.userId, [on.otherId]);
    },
  },
  {
    name: 'remove agent',
    rest: (on) => ({ method: 'DELETE', path: agentPath(on) }),
    expect(on) {
      const refused = asManager(on);
      if (refused !== OK) return refused;
      return on.business?.has(on.otherId) === true ? OK : 'NOT_FOUND';
    },
    done({ world, business, businessId, otherId }) {
      (business as Business).delete(otherId);
      world.dismissed(businessId, otherId);
    },
  },
  {
    name: 'availability',
    rest: (on) => ({
      method: 'PUT',
      path: `${businessPath(on)}/availability`,
      body: { status: 'away' },
    }),
    frame: (on) => ({ type: 'availability', business_id: on.businessId, status: 'available' }),
    expect: asAgent,
  },
  {
    name: 'inbox',
    rest: (on) => ({ method: 'GET', path: `${businessPath(on)}/inbox?view=waiting&limit=200` }),
    frame: (on) => ({
      ...{ type: 'inbox', business_id: on.businessId },
      view: on.isOdd ? 'mine' : 'closed',
    }),
    expect: asAgent,
  },
  {
    name: 'inbox of all agents',
    rest: (on) => ({ method: 'GET', path: `${businessPath(on)}/inbox?view=assigned` }),
    expect: asManager,
  },
  {
    name: 'inbox watch',
    frame: (on) => ({ type: 'inbox_watch', business_id: on.businessId }),
    expect: asAgent,
  },
];

/** A step of a conversation has a door of each kind. */
function step(name: StepName, doors: Pick<Operation, 'rest' | 'frame'>): Operation {
  return {
    ...{ name, ...doors },
    expect: (on) => judgeStep(name, on),
    done: (on) => takeStep(name, on),
  };
}

function giftOf({ otherId }: Target): object {
  return { agent_id: otherId };
}

function businessPath({ businessId }: Target): string {
  return `/businesses/${businessId}`;
}

function agentPath(on: Target): string {
  return `${businessPath(on)}/agents/${on.otherId}`;
}

function agentsOf(business: Business | undefined): [string, string][] {
  return [...(business ?? new Map<string, 'agent' | 'manager'>())];
}

function roleOf({ isOdd }: Target): 'agent' | 'manager' {
  return isOdd ? 'manager' : 'agent';
}

function asAgent({ business, userId }: Target): string {
  return business?.has(userId) === true ? OK : 'FORBIDDEN';
}

function asManager({ business, userId }: Target): string {
  return business?.get(userId) === 'manager' ? OK : 'FORBIDDEN';
}

function conversationOf({ businessId }: Target): object {
  return { type: 'business', business_id: businessId };
}

import { newId } from '../../shared/ids.ts';
import type { RestCall } from './target.ts';

/** The ids that an operation names. */
export type RightsTarget = {
  conversation: string;
  business: string;
  /** The customer wrote `message`, and a former agent wrote `theirs`. */
  message: string;
  theirs: string;
  /** The caller has sent this before, if they have sent anything. */
  sent: { client_msg_id: string; content: string } | undefined;
  callerId: string;
  /** An agent of the business who is neither the caller nor has the conversation. */
  agentId: string;
  strangerId: string;
};
type Body = Record<string, unknown>;
export type RightsDoors = {
  rest?: (on: RightsTarget) => RestCall;
  frame?: (on: RightsTarget) => Body;
  /** The operation changes what others may do, so the next one needs another conversation. */
  isStep?: true;
};

const at = ({ conversation }: RightsTarget): string => `/conversations/${conversation}`;
const named = ({ conversation }: RightsTarget): Body => ({ conversation_id: conversation });
const of = ({ business }: RightsTarget): string => `/businesses/${business}`;
const REACTION = encodeURIComponent('👍');
const message = (): Body => ({ client_msg_id: newId<string>(), content: 'may I?' });

/** Each operation of the table of rights stands here with its doors. */
export const RIGHTS_DOORS: Readonly<Record<string, RightsDoors>> = {
  get: { rest: (on) => ({ method: 'GET', path: at(on) }) },
  history: {
    rest: (on) => ({ method: 'GET', path: `${at(on)}/messages` }),
    frame: (on) => ({ type: 'history', ...named(on) }),
  },
  send: {
    rest: (on) => ({ method: 'POST', path: `${at(on)}/messages`, body: message() }),
    frame: (on) => ({ type: 'message', ...named(on), ...message() }),
    isStep: true,
  },
  repeat: {
    rest: (on) => ({ method: 'POST', path: `${at(on)}/messages`, body: on.sent }),
    frame: (on) => ({ type: 'message', ...named(on), ...on.sent }),
  },
  read: { frame: (on) => ({ type: 'read', ...named(on), seq: 1 }) },
  typing: { frame: (on) => ({ type: 'typing', ...named(on), is_typing: true }) },
  archive: { rest: (on) => ({ method: 'DELETE', path: at(on) }) },
  mute: { rest: (on) => ({ method: 'PUT', path: `${at(on)}/mute` }) },
  unmute: { rest: (on) => ({ method: 'DELETE', path: `${at(on)}/mute` }) },
  title: { rest: (on) => ({ method: 'PATCH', path: at(on), body: { title: 'Mine' } }) },
  add: {
    rest: (on) => ({
      ...{ method: 'POST', path: `${at(on)}/participants` },
      body: { user_ids: [on.strangerId] },
    }),
  },
  remove: { rest: (on) => ({ method: 'DELETE', path: `${at(on)}/participants/${on.agentId}` }) },
  leave: { rest: (on) => ({ method: 'DELETE', path: `${at(on)}/participants/${on.callerId}` }) },
  'get message': { rest: (on) => ({ method: 'GET', path: `/messages/${on.message}` }) },
  'read message': { rest: (on) => ({ method: 'PUT', path: `/messages/${on.message}/read` }) },
  react: {
    rest: (on) => ({ method: 'PUT', path: `/messages/${on.message}/reactions/${REACTION}` }),
    frame: (on) => ({ type: 'react', message_id: on.message, emoji: '👍' }),
  },
  'take back': {
    rest: (on) => ({ method: 'DELETE', path: `/messages/${on.message}/reactions/${REACTION}` }),
    frame: (on) => ({ type: 'react', message_id: on.message, emoji: '👍', remove: true }),
  },
  edit: editOf('message'),
  'edit theirs': editOf('theirs'),
  delete: deleteOf('message'),
  'delete theirs': deleteOf('theirs'),
  take: {
    rest: (on) => ({ method: 'PUT', path: `${at(on)}/assignee` }),
    frame: (on) => ({ type: 'assign', ...named(on) }),
    isStep: true,
  },
  give: {
    rest: (on) => ({ method: 'PUT', path: `${at(on)}/assignee`, body: { agent_id: on.agentId } }),
    frame: (on) => ({ type: 'assign', ...named(on), agent_id: on.agentId }),
    isStep: true,
  },
  release: {
    rest: (on) => ({ method: 'DELETE', path: `${at(on)}/assignee` }),
    frame: (on) => ({ type: 'release', ...named(on) }),
    isStep: true,
  },
  close: {
    rest: (on) => ({ method: 'PUT', path: `${at(on)}/state`, body: { state: 'closed' } }),
    frame: (on) => ({ type: 'close', ...named(on) }),
    isStep: true,
  },
  reopen: {
    rest: (on) => ({ method: 'PUT', path: `${at(on)}/state`, body: { state: 'waiting' } }),
    frame: (on) => ({ type: 'reopen', ...named(on) }),
    isStep: true,
  },
  open: {
    rest: (on) => ({
      ...{ method: 'POST', path: '/conversations' },
      body: { type: 'business', business_id: on.business },
    }),
    frame: (on) => ({
      type: 'create_conversation',
      conversation: { type: 'business', business_id: on.business },
    }),
  },
  presence: {
    rest: (on) => ({ method: 'GET', path: `/presence?business_ids=${on.business}` }),
    frame: (on) => ({ type: 'presence_watch', business_ids: [on.business] }),
  },
  'get settings': { rest: (on) => ({ method: 'GET', path: of(on) }) },
  'set settings': { rest: (on) => ({ method: 'PUT', path: of(on), body: { time_zone: 'UTC' } }) },
  'list agents': { rest: (on) => ({ method: 'GET', path: `${of(on)}/agents` }) },
  'set agent': {
    rest: (on) => ({ method: 'PUT', path: `${of(on)}/agents/${on.agentId}`, body: {} }),
  },
  'remove agent': {
    rest: (on) => ({ method: 'DELETE', path: `${of(on)}/agents/${on.agentId}` }),
    isStep: true,
  },
  'set agents': {
    rest: (on) => ({
      ...{ method: 'PUT', path: `${of(on)}/agents` },
      body: { agents: [{ user_id: on.agentId }] },
    }),
    isStep: true,
  },
  availability: {
    rest: (on) => ({ method: 'PUT', path: `${of(on)}/availability`, body: { status: 'away' } }),
    frame: (on) => ({ type: 'availability', business_id: on.business, status: 'away' }),
  },
  inbox: inboxOf('waiting'),
  'inbox mine': inboxOf('mine'),
  'inbox closed': inboxOf('closed'),
  'inbox of all': inboxOf('assigned'),
  'inbox watch': { frame: (on) => ({ type: 'inbox_watch', business_id: on.business }) },
};

function inboxOf(view: string): RightsDoors {
  return {
    rest: (on) => ({ method: 'GET', path: `${of(on)}/inbox?view=${view}` }),
    frame: (on) => ({ type: 'inbox', business_id: on.business, view }),
  };
}

function editOf(which: 'message' | 'theirs'): RightsDoors {
  return {
    rest: (on) => ({ method: 'PATCH', path: `/messages/${on[which]}`, body: { content: 'no' } }),
    frame: (on) => ({ type: 'edit', message_id: on[which], content: 'no' }),
  };
}

function deleteOf(which: 'message' | 'theirs'): RightsDoors {
  return {
    rest: (on) => ({ method: 'DELETE', path: `/messages/${on[which]}` }),
    frame: (on) => ({ type: 'delete', message_id: on[which] }),
    isStep: true,
  };
}

import { BUSINESS_OPERATIONS } from './business-operations.ts';
import { DEVICE_OPERATIONS } from './device-operations.ts';
import {
  asParticipant,
  type Body,
  conversationPath,
  OK,
  type Operation,
  type Target,
} from './target.ts';
import type { Conversation, Message } from './world.ts';

const EMOJIS = ['👍', '🎉', '❤️'];

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'get conversation',
    rest: (on) => ({ method: 'GET', path: conversationPath(on) }),
    expect: asReader,
  },
  {
    name: 'list conversations',
    rest: () => ({ method: 'GET', path: '/conversations?limit=200' }),
    frame: () => ({ type: 'conversations', limit: 200 }),
    expect: () => OK,
  },
  {
    name: 'history',
    rest: (on) => ({ method: 'GET', path: `${conversationPath(on)}/messages?limit=200` }),
    frame: (on) => ({ type: 'history', conversation_id: on.conversationId, after_seq: 0 }),
    expect: asReader,
  },
  {
    name: 'send',
    rest: (on) => ({
      method: 'POST',
      path: `${conversationPath(on)}/messages`,
      body: messageOf(on),
    }),
    frame: (on) => ({ type: 'message', conversation_id: on.conversationId, ...messageOf(on) }),
    expect: asParticipant,
    done: said,
  },
  {
    name: 'reply',
    frame: (on) => ({
      ...{ type: 'message', conversation_id: on.conversationId, reply_to: on.messageId },
      ...messageOf(on),
    }),
    expect(on) {
      const refused = asParticipant(on);
      if (refused !== OK) return refused;
      const isHere = on.message !== undefined && on.message.conversation === on.conversation;
      return isHere && on.world.canSee(on.message as Message, on.userId) ? OK : 'INVALID_REQUEST';
    },
    done: said,
  },
  {
    name: 'read by conversation',
    frame: (on) => ({ type: 'read', conversation_id: on.conversationId, seq: 1_000_000 }),
    expect: asParticipant,
  },
  {
    name: 'typing',
    frame: (on) => ({ type: 'typing', conversation_id: on.conversationId, is_typing: on.isOdd }),
    expect: asParticipant,
  },
  {
    name: 'title',
    rest: (on) => ({ method: 'PATCH', path: conversationPath(on), body: { title: on.secret } }),
    expect: asAdmin,
    done: ({ world, conversation, secret }) => world.titled(conversation as Conversation, secret),
  },
  {
    name: 'archive',
    rest: (on) => ({ method: 'DELETE', path: conversationPath(on) }),
    expect: asParticipant,
  },
  {
    name: 'mute',
    rest: (on) => ({ method: on.isOdd ? 'PUT' : 'DELETE', path: `${conversationPath(on)}/mute` }),
    expect: asParticipant,
  },
  {
    name: 'add',
    rest: (on) => ({
      method: 'POST',
      path: `${conversationPath(on)}/participants`,
      body: { user_ids: [on.otherId], share_history: on.isOdd },
    }),
    expect(on) {
      const refused = asAdmin(on);
      if (refused !== OK) return refused;
      const conversation = on.conversation as Conversation;
      if (conversation.participants.has(on.otherId)) return OK;
      return on.world.isFull(conversation) ? 'CONFLICT' : OK;
    },
    done({ world, conversation, userId, otherId, isOdd }) {
      world.added(conversation as Conversation, userId, { userId: otherId, share: isOdd });
    },
  },
  {
    name: 'remove',
    rest: (on) => ({
      method: 'DELETE',
      path: `${conversationPath(on)}/participants/${on.otherId}`,
    }),
    expect(on) {
      const refused = on.otherId === on.userId ? asGroupParticipant(on) : asAdmin(on);
      if (refused !== OK) return refused;
      return on.conversation?.participants.has(on.otherId) === true ? OK : 'NOT_FOUND';
    },
    done: ({ world, conversation, otherId }) =>
      world.removed(conversation as Conversation, otherId),
  },
  {
    name: 'leave',
    rest: (on) => ({ method: 'DELETE', path: `${conversationPath(on)}/participants/${on.userId}` }),
    expect: asGroupParticipant,
    done: ({ world, conversation, userId }) => world.removed(conversation as Conversation, userId),
  },
  {
    name: 'create',
    rest: (on) => ({ method: 'POST', path: '/conversations', body: conversationOf(on) }),
    frame: (on) => ({ type: 'create_conversation', conversation: conversationOf(on) }),
    expect: (on) => (on.otherId === on.userId ? 'INVALID_REQUEST' : OK),
    done({ world, userId, otherId }, { conversation_id, type }) {
      const made = { makerId: userId, userIds: [otherId] };
      world.made({ id: String(conversation_id), type: type as 'direct' | 'group', ...made });
    },
  },
  {
    name: 'get message',
    rest: (on) => ({ method: 'GET', path: messagePath(on) }),
    expect: asMessageReader,
  },
  {
    name: 'read message',
    rest: (on) => ({ method: 'PUT', path: `${messagePath(on)}/read` }),
    expect: asSeer,
  },
  {
    name: 'edit',
    rest: (on) => ({ method: 'PATCH', path: messagePath(on), body: { content: on.secret } }),
    frame: (on) => ({ type: 'edit', message_id: on.messageId, content: on.secret }),
    expect(on) {
      const refused = asSeer(on);
      if (refused !== OK) return refused;
      if (on.message?.senderId !== on.userId) return 'FORBIDDEN';
      return on.message.isDeleted ? 'CONFLICT' : OK;
    },
    done: ({ world, message, secret }) => world.guard(secret, message as Message),
  },
  {
    name: 'delete',
    rest: (on) => ({ method: 'DELETE', path: messagePath(on) }),
    frame: (on) => ({ type: 'delete', message_id: on.messageId }),
    expect(on) {
      const refused = asSeer(on);
      if (refused !== OK || on.message?.senderId === on.userId) return refused;
      const role = on.message?.conversation.participants.get(on.userId)?.role;
      return role === 'admin' ? OK : 'FORBIDDEN';
    },
    done({ message }) {
      (message as Message).isDeleted = true;
    },
  },
  {
    name: 'react',
    rest: (on) => ({
      method: on.isOdd ? 'PUT' : 'DELETE',
      path: `${messagePath(on)}/reactions/${encodeURIComponent(emojiOf(on))}`,
    }),
    frame: (on) => ({
      ...{ type: 'react', message_id: on.messageId, emoji: emojiOf(on) },
      remove: !on.isOdd,
    }),
    expect(on) {
      const refused = asSeer(on);
      return refused === OK && on.message?.isDeleted === true ? 'CONFLICT' : refused;
    },
  },
  {
    name: 'presence',
    rest: (on) => ({ method: 'GET', path: `/presence?user_ids=${on.otherId}` }),
    frame: (on) => ({ type: 'presence_watch', user_ids: [on.otherId] }),
    expect: () => OK,
    tellsPresence: true,
  },
  {
    name: 'presence of a business too',
    rest: (on) => ({
      method: 'POST',
      path: '/presence/query',
      body: { user_ids: [on.otherId], business_ids: [on.businessId] },
    }),
    frame: (on) => ({
      ...{ type: 'presence_watch', user_ids: [on.otherId] },
      business_ids: [on.businessId],
    }),
    expect: () => OK,
    tellsPresence: true,
  },
  {
    name: 'export',
    rest: (on) => ({ method: 'GET', path: `/users/${on.isOdd ? on.userId : on.otherId}/export` }),
    expect: () => 'FORBIDDEN',
  },
  ...DEVICE_OPERATIONS,
  {
    name: 'erase a person',
    rest: (on) => ({ method: 'DELETE', path: `/users/${on.isOdd ? on.userId : on.otherId}` }),
    expect: () => 'FORBIDDEN',
  },
  {
    name: 'get job',
    rest: (on) => ({ method: 'GET', path: `/jobs/${on.userId}` }),
    expect: () => 'FORBIDDEN',
  },
  {
    name: 'erase content',
    rest: (on) => ({ method: 'DELETE', path: `${conversationPath(on)}/content` }),
    expect: () => 'FORBIDDEN',
  },
  ...BUSINESS_OPERATIONS,
];

function messagePath({ messageId }: Target): string {
  return `/messages/${messageId}`;
}

function messageOf({ clientMsgId, secret }: Target): Body {
  return { client_msg_id: clientMsgId, content: secret };
}

function conversationOf({ otherId, isOdd }: Target): Body {
  return { type: isOdd ? 'group' : 'direct', participant_ids: [otherId] };
}

function emojiOf({ secret }: Target): string {
  return EMOJIS[secret.length % EMOJIS.length] as string;
}

function said({ world, userId, conversation, ...sent }: Target, answer: Body): void {
  const message: Message = {
    id: String(answer.message_id),
    conversation: conversation as Conversation,
    seq: Number(answer.seq),
    senderId: userId,
    isDeleted: false,
  };
  world.said(message, [sent.secret, sent.clientMsgId]);
}

/** Agents read some conversations of their business without taking part in them. */
function asReader(on: Target): string {
  const { world, conversation, userId } = on;
  return conversation !== undefined && world.reads(conversation, userId) ? OK : asParticipant(on);
}

function asMessageReader(on: Target): string {
  const { world, message, userId } = on;
  return message !== undefined && world.reads(message.conversation, userId) ? OK : asSeer(on);
}

function asGroupParticipant(on: Target): string {
  const refused = asParticipant(on);
  return refused === OK && on.conversation?.type !== 'group' ? 'FORBIDDEN' : refused;
}

function asAdmin(on: Target): string {
  const refused = asGroupParticipant(on);
  if (refused !== OK) return refused;
  return on.conversation?.participants.get(on.userId)?.role === 'admin' ? OK : 'FORBIDDEN';
}

function asSeer({ world, message, userId }: Target): string {
  return message !== undefined && world.canSee(message, userId) ? OK : 'MESSAGE_NOT_FOUND';
}

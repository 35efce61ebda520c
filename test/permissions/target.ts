import type { Business, Conversation, Message, World } from './world.ts';

/** A target says who does the operation, and to what. Its ids may name nothing. */
export type Target = {
  world: World;
  userId: string;
  conversationId: string;
  conversation: Conversation | undefined;
  messageId: string;
  message: Message | undefined;
  businessId: string;
  business: Business | undefined;
  /** This is the id of any other person, or of the same one. */
  otherId: string;
  /** This text is unique, so that the test finds it wherever it must not be. */
  secret: string;
  clientMsgId: string;
  isOdd: boolean;
};
export type Body = Record<string, unknown>;
export type RestCall = { method: string; path: string; body?: unknown };

/**
 * `expect` returns `ok` or the code of the one right answer. `done` tells the world of the
 * operation.
 */
export type Operation = {
  name: string;
  rest?: (target: Target) => RestCall;
  frame?: (target: Target) => Body;
  expect(target: Target): string;
  done?(target: Target, answer: Body): void;
  /** The answer tells whether the other person is online. */
  tellsPresence?: true;
};

export const OK = 'ok';

export function asParticipant({ conversation, userId }: Target): string {
  if (conversation === undefined) return 'CONVERSATION_NOT_FOUND';
  return conversation.participants.has(userId) ? OK : 'NOT_A_PARTICIPANT';
}

export function conversationPath({ conversationId }: Target): string {
  return `/conversations/${conversationId}`;
}

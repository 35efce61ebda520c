import type { Conversations } from '../api/conversations.ts';
import type { Messages } from '../api/messages.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Presence } from '../presence/presence.ts';
import type { Typing } from '../presence/typing.ts';
import type { Hub } from '../session/hub.ts';
import { ackOperation } from './ack.ts';
import { conversationsOperation } from './conversations.ts';
import { createConversationOperation } from './create-conversation.ts';
import { deleteOperation } from './delete.ts';
import { editOperation } from './edit.ts';
import { historyOperation } from './history.ts';
import { messageOperation } from './message.ts';
import type { Operation } from './operation.ts';
import { pingOperation } from './ping.ts';
import { presenceUnwatchOperation, presenceWatchOperation } from './presence-watch.ts';
import { reactOperation } from './react.ts';
import { readOperation } from './read.ts';
import { typingOperation } from './typing.ts';

export type OperationDeps = {
  hub: Hub;
  delivery: Delivery;
  messages: Messages;
  conversations: Conversations;
  typing: Typing;
  presence: Presence;
};

/** Every frame type that an authenticated socket may send, `auth` aside. */
export function createOperations(deps: OperationDeps): ReadonlyMap<string, Operation> {
  const operations = [
    messageOperation(deps.messages, deps.typing),
    editOperation(deps.messages),
    deleteOperation(deps.messages),
    reactOperation(deps.messages),
    ackOperation(deps.delivery),
    readOperation(deps.messages),
    typingOperation(deps.typing),
    presenceWatchOperation(deps.presence),
    presenceUnwatchOperation(deps.presence),
    pingOperation(deps.hub),
    historyOperation(deps.messages),
    conversationsOperation(deps.conversations),
    createConversationOperation(deps.conversations),
  ];
  return new Map(operations.map((operation) => [operation.type, operation]));
}

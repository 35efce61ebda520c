import type { Conversations } from '../conversations.ts';
import type { Messages } from '../messages.ts';
import { conversationCreateRoute } from './conversation-create.ts';
import { conversationGetRoute } from './conversation-get.ts';
import { conversationListRoute } from './conversation-list.ts';
import { messageCreateRoute } from './message-create.ts';
import { messageDeleteRoute } from './message-delete.ts';
import { messageEditRoute } from './message-edit.ts';
import { messageGetRoute } from './message-get.ts';
import { messageListRoute } from './message-list.ts';
import { reactionRoutes } from './reaction-routes.ts';
import type { Route } from './route.ts';

export type RouteDeps = { messages: Messages; conversations: Conversations };

/** Everything below `/api/v1`. */
export function createRoutes({ messages, conversations }: RouteDeps): readonly Route[] {
  return [
    conversationCreateRoute(conversations),
    conversationListRoute(conversations),
    conversationGetRoute(conversations),
    messageListRoute(messages),
    messageCreateRoute(messages),
    messageGetRoute(messages),
    messageEditRoute(messages),
    messageDeleteRoute(messages),
    ...reactionRoutes(messages),
  ];
}

import type { Conversations } from '../api/conversations.ts';
import type { Messages } from '../api/messages.ts';
import type { Presence } from '../presence/presence.ts';
import { conversationArchiveRoute } from './conversation-archive.ts';
import { conversationCreateRoute } from './conversation-create.ts';
import { conversationGetRoute } from './conversation-get.ts';
import { conversationListRoute } from './conversation-list.ts';
import { conversationMuteRoute } from './conversation-mute.ts';
import { conversationUnmuteRoute } from './conversation-unmute.ts';
import { conversationUpdateRoute } from './conversation-update.ts';
import { messageCreateRoute } from './message-create.ts';
import { messageDeleteRoute } from './message-delete.ts';
import { messageEditRoute } from './message-edit.ts';
import { messageGetRoute } from './message-get.ts';
import { messageListRoute } from './message-list.ts';
import { messageReadRoute } from './message-read.ts';
import { participantRemoveRoute } from './participant-remove.ts';
import { participantsAddRoute } from './participants-add.ts';
import { presenceGetRoute } from './presence-get.ts';
import { reactionRoutes } from './reaction-routes.ts';
import type { Route } from './route.ts';

export type RouteDeps = { messages: Messages; conversations: Conversations; presence: Presence };

/** Everything below `/api/v1`. */
export function createRoutes({ messages, conversations, presence }: RouteDeps): readonly Route[] {
  return [
    conversationCreateRoute(conversations),
    conversationListRoute(conversations),
    conversationGetRoute(conversations),
    conversationUpdateRoute(conversations),
    conversationArchiveRoute(conversations),
    conversationMuteRoute(conversations),
    conversationUnmuteRoute(conversations),
    participantsAddRoute(conversations),
    participantRemoveRoute(conversations),
    messageListRoute(messages),
    messageCreateRoute(messages),
    messageGetRoute(messages),
    messageEditRoute(messages),
    messageDeleteRoute(messages),
    messageReadRoute(messages),
    ...reactionRoutes(messages),
    presenceGetRoute(presence),
  ];
}

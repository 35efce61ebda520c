import { useSession } from '../app/session.ts';
import { ConversationView } from '../conversation/conversation-view.tsx';
import { BusinessBar } from './business-bar.tsx';
import { customerOf } from './people.ts';
import { useBusinessConversation } from './use-business-conversation.ts';

/**
 * Shows any conversation in the right pane. Of a business conversation it tells how that stands,
 * and only the customer and the agent who has it write in it.
 */
export function AnyConversation({ conversationId }: { conversationId: string }) {
  const { userId } = useSession();
  const { conversation } = useBusinessConversation(conversationId);
  const isOwn =
    !conversation ||
    conversation.assignee_id === userId ||
    customerOf(conversation)?.user_id === userId;
  return (
    <ConversationView
      conversationId={conversationId}
      bar={<BusinessBar conversationId={conversationId} />}
      canWrite={isOwn}
    />
  );
}

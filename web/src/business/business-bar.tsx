import { useSession } from '../app/session.ts';
import { AgentBar } from './agent-bar.tsx';
import { CustomerBar } from './customer-bar.tsx';
import { customerOf } from './people.ts';
import { useBusinessConversation } from './use-business-conversation.ts';

/** Tells how a business conversation stands. Staff of the business act on it here. */
export function BusinessBar({ conversationId }: { conversationId: string }) {
  const { userId, worksFor } = useSession();
  const { conversation, take } = useBusinessConversation(conversationId);
  if (!conversation) return null;
  if (customerOf(conversation)?.user_id === userId) return <CustomerBar {...{ conversation }} />;
  const work = worksFor.find(({ business_id: id }) => id === conversation.business_id);
  return work ? <AgentBar {...{ conversation, role: work.role, onStep: take }} /> : null;
}

import { useSession } from '../app/session.ts';
import { participantOf } from '../conversation/people.ts';
import { useConversation } from '../conversation/use-conversation.ts';
import { Dialog } from '../parts/dialog.tsx';
import { AddPeople } from './add-people.tsx';
import { BusinessFacts } from './business-facts.tsx';
import { GroupForm } from './group-form.tsx';
import { OwnSettings } from './own-settings.tsx';
import { People } from './people.tsx';

type Props = { conversationId: string; onClose: () => void };

/** Shows who is in a conversation, and lets one change what one may change of it. */
export function Details({ conversationId, onClose }: Props) {
  const { userId } = useSession();
  const { conversation } = useConversation(conversationId);
  if (!conversation) return null;
  const { type, description, name } = conversation;
  const self = participantOf(conversation, userId);
  const isAdmin = type === 'group' && self?.role === 'admin';
  return (
    <Dialog title={name} onClose={onClose}>
      <div class="details">
        {type === 'group' && !isAdmin && description && (
          <p class="details-description" dir="auto">
            {description}
          </p>
        )}
        {isAdmin && <GroupForm conversation={conversation} />}
        {type === 'business' && <BusinessFacts conversation={conversation} />}
        <People conversation={conversation} isAdmin={isAdmin} />
        {isAdmin && <AddPeople conversation={conversation} />}
        {self && <OwnSettings conversation={conversation} onGone={onClose} />}
      </div>
    </Dialog>
  );
}

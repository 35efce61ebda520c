import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { Dialog } from '../parts/dialog.tsx';

/** Says who takes part in a conversation. */
export function Details({
  conversationId,
  onClose,
}: {
  conversationId: string;
  onClose: () => void;
}) {
  const { store } = useSession();
  useValue(store.conversations);
  const conversation = store.conversations.get(conversationId);
  return (
    <Dialog title={conversation?.name ?? 'Conversation'} onClose={onClose}>
      <ul class="details">
        {conversation?.participants.map(({ user_id, name }) => (
          <li key={user_id} dir="auto">
            {name}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

import { hashOf } from '../app/place.ts';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { Avatar } from '../parts/avatar.tsx';
import { sayError } from '../parts/errors.ts';

/** Lists the conversations of the user, newest activity first. */
export function ConversationList({ conversationId }: { conversationId?: string }) {
  const { store } = useSession();
  const { conversations, isLoaded, hasMore, error } = useValue(store.conversations);
  return (
    <div class="list">
      <ul class="rows">
        {conversations.map(({ conversation_id: id, name, avatar_url: url, unread = 0 }) => (
          <li key={id}>
            <a
              class="row"
              href={hashOf({ kind: 'conversations', conversationId: id })}
              aria-current={id === conversationId ? 'true' : undefined}
            >
              <Avatar id={id} name={name} url={url} />
              <span class="row-name" dir="auto">
                {name}
              </span>
              {unread > 0 && <span class="badge">{unread}</span>}
            </a>
          </li>
        ))}
      </ul>
      {isLoaded && conversations.length === 0 && <p class="list-note">No conversations yet.</p>}
      {error && <p class="list-note">{sayError(error)}</p>}
      {isLoaded && hasMore && (
        <button type="button" class="button" onClick={() => void store.conversations.more()}>
          Show more
        </button>
      )}
    </div>
  );
}

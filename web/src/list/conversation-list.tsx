import { useState } from 'preact/hooks';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { sayError } from '../parts/errors.ts';
import { Icon } from '../parts/icon.tsx';
import { Archived } from './archived.tsx';
import { NewConversation } from './new-conversation.tsx';
import { Rows } from './rows.tsx';
import { Found } from './search/found.tsx';
import { SearchField } from './search/search-field.tsx';

type Props = { conversationId?: string };
type View = 'all' | 'archived';

/** Lists the conversations of the user, finds some of them, and begins new ones. */
export function ConversationList({ conversationId }: Props) {
  const [query, setQuery] = useState('');
  const [view, setView] = useState<View>('all');
  const [isNew, setNew] = useState(false);
  const words = query.trim();
  return (
    <div class="list">
      <div class="list-tools">
        <SearchField value={query} onInput={setQuery} />
        <button
          type="button"
          class="icon-button"
          aria-label="New conversation"
          title="New conversation"
          onClick={() => setNew(true)}
        >
          <Icon name="plus" />
        </button>
      </div>
      {words !== '' && <Found words={words} conversationId={conversationId} />}
      {words === '' && view === 'archived' && (
        <Archived conversationId={conversationId} onBack={() => setView('all')} />
      )}
      {words === '' && view === 'all' && (
        <All
          conversationId={conversationId}
          onNew={() => setNew(true)}
          onArchived={() => setView('archived')}
        />
      )}
      {isNew && <NewConversation onClose={() => setNew(false)} />}
    </div>
  );
}

type AllProps = {
  conversationId: string | undefined;
  onNew: () => void;
  onArchived: () => void;
};

function All({ conversationId, onNew, onArchived }: AllProps) {
  const { store } = useSession();
  const { conversations, isLoaded, hasMore, error } = useValue(store.conversations);
  const more = (): void => void store.conversations.more();
  return (
    <>
      <div class="list-scroll">
        <Rows
          label="Conversations"
          {...{ conversations, conversationId }}
          onEnd={hasMore && !error ? store.conversations.more : undefined}
        />
        {isLoaded && !hasMore && conversations.length === 0 && (
          <div class="list-note">
            <p>You have no conversations yet.</p>
            <button type="button" class="button primary" onClick={onNew}>
              Write to somebody
            </button>
          </div>
        )}
        {error && (
          <div class="list-note" role="alert">
            <p>{sayError(error)}</p>
            <button type="button" class="button" onClick={more}>
              Try again
            </button>
          </div>
        )}
      </div>
      <button type="button" class="list-foot" onClick={onArchived}>
        <Icon name="archive" />
        Archived
      </button>
    </>
  );
}

import { sayError } from '../parts/errors.ts';
import { Icon } from '../parts/icon.tsx';
import { Rows } from './rows.tsx';
import { useArchived } from './use-archived.ts';

type Props = { conversationId: string | undefined; onBack: () => void };

/** Lists what the user has archived. A new message brings a conversation back to the others. */
export function Archived({ conversationId, onBack }: Props) {
  const { conversations, isLoaded, hasMore, error, more } = useArchived();
  return (
    <>
      <div class="list-title">
        <button type="button" class="icon-button" aria-label="Back to all" onClick={onBack}>
          <Icon name="back" />
        </button>
        <h2>Archived</h2>
      </div>
      <div class="list-scroll">
        <Rows
          label="Archived conversations"
          {...{ conversations, conversationId }}
          onEnd={hasMore && !error ? more : undefined}
        />
        {isLoaded && conversations.length === 0 && (
          <p class="list-note">Nothing is archived. A conversation is archived in its details.</p>
        )}
        {error !== undefined && (
          <p class="list-note" role="alert">
            {sayError(error)}
          </p>
        )}
      </div>
    </>
  );
}

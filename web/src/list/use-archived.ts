import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Conversation } from '../../../clients/js/src/protocol/shapes.ts';
import { useSession } from '../app/session.ts';

type Archived = {
  conversations: readonly Conversation[];
  isLoaded: boolean;
  hasMore: boolean;
  error?: unknown;
};

const NOTHING: Archived = { conversations: [], isLoaded: false, hasMore: true };

/**
 * Reads the archived conversations page by page. What changes while they are shown is put right at
 * once: one that is archived elsewhere comes, and one that has a new message goes.
 */
export function useArchived(): Archived & { more: () => void } {
  const { chat } = useSession();
  const [state, setState] = useState(NOTHING);
  const reading = useRef<{ cursor: string | undefined; isUnderWay: boolean }>({
    cursor: undefined,
    isUnderWay: false,
  });

  const more = useCallback((): void => {
    const place = reading.current;
    if (place.isUnderWay) return;
    place.isUnderWay = true;
    const { cursor } = place;
    chat
      .listConversations({ archived: true, ...(cursor && { cursor }) })
      .then(({ conversations, next_cursor: next }) => {
        place.cursor = next ?? undefined;
        setState((old) => ({
          conversations: merged(old.conversations, conversations),
          isLoaded: true,
          hasMore: next !== null,
        }));
      })
      .catch((error: unknown) => setState((old) => ({ ...old, error })))
      .finally(() => {
        place.isUnderWay = false;
      });
  }, [chat]);

  useEffect(() => {
    const put = (record: Conversation): void =>
      setState((old) => ({ ...old, conversations: merged(old.conversations, [record]) }));
    const take = (id: string): void =>
      setState((old) => ({
        ...old,
        conversations: old.conversations.filter(({ conversation_id: one }) => one !== id),
      }));
    const ends = [
      chat.on('conversation', ({ conversation }) =>
        conversation.archived_at ? put(conversation) : take(conversation.conversation_id),
      ),
      chat.on('message', ({ conversation_id: id }) => take(id)),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [chat]);

  return { ...state, more };
}

function merged(
  old: readonly Conversation[],
  records: readonly Conversation[],
): readonly Conversation[] {
  const all = new Map([...old, ...records].map((one) => [one.conversation_id, one]));
  return [...all.values()].sort((a, b) => (a.last_activity < b.last_activity ? 1 : -1));
}

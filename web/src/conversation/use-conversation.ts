import { useEffect, useState } from 'preact/hooks';
import { ChatError, type Conversation } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';

type KnownConversation = {
  /** The conversation as it is now, or as it was when one could last see it. */
  conversation?: Conversation;
  /** The conversation cannot be read, or cannot be read any more. */
  error?: ChatError;
};

/**
 * Follows a conversation. The store keeps those in which the user takes part. An agent also reads
 * those of their business, which are asked for again when its inbox tells of them.
 */
export function useConversation(id: string): KnownConversation {
  const { chat, store } = useSession();
  const { conversations } = store;
  const [known, setKnown] = useState<KnownConversation>(() => {
    const conversation = conversations.get(id);
    return conversation ? { conversation } : {};
  });
  useEffect(() => {
    let isOver = false;
    let wasKept = conversations.get(id) !== undefined;
    const take = (conversation: Conversation): void => {
      if (!isOver)
        setKnown((last) => (last.conversation === conversation ? last : { conversation }));
    };
    const refuse = (thrown: unknown): void => {
      const error = ChatError.from(thrown);
      if (!isOver && !error.isRetryable) setKnown((last) => ({ ...last, error }));
    };
    const ask = (): void => void conversations.fetch(id).then(take, refuse);
    const look = (): void => {
      const kept = conversations.get(id);
      if (kept) take(kept);
      else if (wasKept) ask();
      wasKept = kept !== undefined;
    };
    const ends = [
      conversations.subscribe(look),
      chat.on('inbox', (event) => {
        const about = event.conversation?.conversation_id ?? event.conversation_id;
        if (about === id && !conversations.get(id)) ask();
      }),
      chat.on('session', () => !conversations.get(id) && ask()),
    ];
    if (wasKept) look();
    else ask();
    return () => {
      isOver = true;
      for (const end of ends) end();
    };
  }, [id, chat, conversations]);
  return known;
}

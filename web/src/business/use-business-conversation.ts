import { useMemo, useRef } from 'preact/hooks';
import type { Conversation } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { watchConversation } from './watched-conversation.ts';

type Business = {
  /** This is undefined until it is known, and for other conversations than those of businesses. */
  conversation: Conversation | undefined;
  /** Takes the answer of a step, which may come before its event. */
  take(conversation: Conversation): void;
};

/** Returns a business conversation as it is now, also for staff who only read it. */
export function useBusinessConversation(conversationId: string): Business {
  const { chat, store, worksFor } = useSession();
  useValue(store.conversations);
  const known = store.conversations.get(conversationId);
  const watchedId = worksFor.length > 0 && !known ? conversationId : undefined;
  const watched = useMemo(() => watchConversation(chat, watchedId), [chat, watchedId]);
  const now = useValue(watched) ?? known;
  // Who has released a conversation reads it again, and sees it as it was until then.
  const last = useRef<Conversation | undefined>(undefined);
  if (now) last.current = now;
  const shown = last.current?.conversation_id === conversationId ? last.current : undefined;
  return {
    conversation: shown?.type === 'business' ? shown : undefined,
    take(changed) {
      store.conversations.put(changed);
      watched.take(changed);
    },
  };
}

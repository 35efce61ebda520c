import { useEffect } from 'preact/hooks';
import { useSession } from './session.ts';
import { useValue } from './use-value.ts';

const NAME = 'kaha chat';

/** The window's title says who one is, and how many conversations have something unread. */
export function useTitle(): void {
  const { store, userId, nameOf } = useSession();
  const { conversations } = useValue(store.conversations);
  const unread = conversations.filter((one) => !one.is_muted && (one.unread ?? 0) > 0).length;
  const title = [nameOf(userId), NAME].filter(Boolean).join(' · ');
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${title}` : title;
    return () => {
      document.title = NAME;
    };
  }, [unread, title]);
}

import { useMemo } from 'preact/hooks';
import type { Presence } from '../../../../clients/js/src/index.ts';
import { useSession } from '../../app/session.ts';
import { useValue } from '../../app/use-value.ts';

type Who = { user_id: string } | { business_id: string };

/** Follows the presence of a person or business for as long as it is drawn. */
export function usePresence(who: Who): Presence {
  const { store } = useSession();
  const [userId, businessId] = 'user_id' in who ? [who.user_id] : ['', who.business_id];
  const presence = useMemo(
    () => store.presence(businessId ? { business_id: businessId } : { user_id: userId }),
    [store, userId, businessId],
  );
  return useValue(presence);
}

/** A dot says whether somebody is online. Nothing is drawn while nobody knows. */
export function PresenceDot({ userId }: { userId: string }) {
  const { status } = usePresence({ user_id: userId });
  if (status === 'unknown') return null;
  return <span class={`dot dot-${status}`} role="img" aria-label={status} />;
}

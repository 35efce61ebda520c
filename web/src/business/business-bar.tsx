import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';

/** Says how a conversation with a business stands, to those who work for the business. */
export function BusinessBar({ conversationId }: { conversationId: string }) {
  const { store, worksFor } = useSession();
  useValue(store.conversations);
  const { state, business_id: id } = store.conversations.get(conversationId) ?? {};
  if (state === undefined || !worksFor.some(({ business_id }) => business_id === id)) return null;
  return <p class="business-bar">{state}</p>;
}

import { hashOf, type Place } from './place.ts';
import { useSession } from './session.ts';

/** Somebody who works for a business goes between their own conversations and its inbox. */
export function Places({ place }: { place: Place }) {
  const { worksFor } = useSession();
  const isCurrent = (isHere: boolean) => (isHere ? ({ 'aria-current': 'page' } as const) : {});
  return (
    <nav class="places" aria-label="Places">
      <a href={hashOf({ kind: 'conversations' })} {...isCurrent(place.kind === 'conversations')}>
        Chats
      </a>
      {worksFor.map(({ business_id: businessId, name }) => (
        <a
          key={businessId}
          href={hashOf({ kind: 'inbox', businessId, view: 'waiting' })}
          dir="auto"
          {...isCurrent(place.kind === 'inbox' && place.businessId === businessId)}
        >
          {name}
        </a>
      ))}
    </nav>
  );
}

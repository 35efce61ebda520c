import { useMemo } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import type { WorksFor } from './identity.ts';
import { hashOf, type Place } from './place.ts';
import { useSession } from './session.ts';
import { useValue } from './use-value.ts';

/** Somebody who works for a business goes between their own conversations and its inbox. */
export function Places({ place }: { place: Place }) {
  const { worksFor } = useSession();
  return (
    <nav class="places" aria-label="Places">
      <a
        href={hashOf({ kind: 'conversations' })}
        aria-current={place.kind === 'conversations' ? 'page' : undefined}
      >
        <Icon name="chat" />
        Chats
      </a>
      {worksFor.map((business) => (
        <InboxLink
          key={business.business_id}
          business={business}
          isCurrent={place.kind === 'inbox' && place.businessId === business.business_id}
        />
      ))}
    </nav>
  );
}

type LinkProps = { business: WorksFor; isCurrent: boolean };

/** The link to an inbox says how many customers wait there. */
function InboxLink({ business: { business_id: businessId, name }, isCurrent }: LinkProps) {
  const { businesses } = useSession();
  const inbox = useMemo(() => businesses.inbox(businessId, 'waiting'), [businesses, businessId]);
  const waiting = useValue(inbox).counts?.waiting ?? 0;
  return (
    <a
      href={hashOf({ kind: 'inbox', businessId, view: 'waiting' })}
      aria-current={isCurrent ? 'page' : undefined}
    >
      <Icon name="inbox" />
      <span dir="auto">{name}</span>
      {waiting > 0 && (
        <span class="badge">
          {waiting}
          <span class="hidden"> waiting</span>
        </span>
      )}
    </a>
  );
}

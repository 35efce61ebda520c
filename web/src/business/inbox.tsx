import { useEffect, useMemo, useState } from 'preact/hooks';
import type { InboxCounts, InboxView } from '../../../clients/js/src/index.ts';
import { hashOf } from '../app/place.ts';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { InboxRow } from './inbox-row.tsx';
import { useNow } from './use-now.ts';

type InboxProps = { businessId: string; view: InboxView; conversationId?: string | undefined };

const LABELS: Record<InboxView, string> = {
  waiting: 'Waiting',
  mine: 'Mine',
  assigned: 'All assigned',
  closed: 'Closed',
};
const EMPTY: Record<InboxView, string> = {
  waiting: 'Nobody waits.',
  mine: 'You have no conversation now.',
  assigned: 'Nobody has a conversation now.',
  closed: 'Nothing was closed yet.',
};

/** The left pane of an agent shows one view of a business's inbox. */
export function Inbox({ businessId, view, conversationId }: InboxProps) {
  const { businesses, store, worksFor } = useSession();
  const inbox = useMemo(() => businesses.inbox(businessId, view), [businesses, businessId, view]);
  const { conversations, counts, hasMore, isLoaded } = useValue(inbox);
  useValue(store.conversations);
  const business = worksFor.find(({ business_id: id }) => id === businessId);
  const place = { kind: 'inbox', businessId, view } as const;
  const now = useNow();
  return (
    <section class="inbox" aria-label={`Inbox of ${business?.name ?? 'the business'}`}>
      <Views
        {...{ businessId, view, conversationId }}
        counts={useLast(counts, businessId)}
        isManager={business?.role === 'manager'}
      />
      <div class="inbox-scroll">
        {isLoaded && conversations.length === 0 && <p class="inbox-note">{EMPTY[view]}</p>}
        {!isLoaded && <p class="inbox-note">Loading …</p>}
        <ul class="inbox-rows" aria-label={LABELS[view]}>
          {conversations.map((conversation) => (
            <li key={conversation.conversation_id}>
              <InboxRow
                {...{ conversation, now }}
                isCurrent={conversation.conversation_id === conversationId}
                href={hashOf({ ...place, conversationId: conversation.conversation_id })}
              />
            </li>
          ))}
        </ul>
        {hasMore && (
          <p class="inbox-more">
            <button type="button" class="button" onClick={() => void inbox.more()}>
              Show more
            </button>
          </p>
        )}
      </div>
    </section>
  );
}

type ViewsProps = InboxProps & { counts: InboxCounts | undefined; isManager: boolean };

function Views({ businessId, view, conversationId, counts, isManager }: ViewsProps) {
  const views: InboxView[] = isManager
    ? ['waiting', 'mine', 'assigned', 'closed']
    : ['waiting', 'mine', 'closed'];
  return (
    <nav class="inbox-views" aria-label="Views of the inbox">
      {views.map((one) => (
        <a
          key={one}
          href={hashOf({
            ...{ kind: 'inbox', businessId, view: one },
            ...(conversationId && { conversationId }),
          })}
          aria-current={one === view ? 'page' : undefined}
        >
          {LABELS[one]} {one !== 'closed' && counts && <span class="count">{counts[one]}</span>}
        </a>
      ))}
    </nav>
  );
}

/** Keeps showing the last counts while another view is loaded. */
function useLast(counts: InboxCounts | undefined, businessId: string): InboxCounts | undefined {
  const [last, setLast] = useState<{ counts: InboxCounts; businessId: string }>();
  useEffect(() => {
    if (counts) setLast({ counts, businessId });
  }, [counts, businessId]);
  return counts ?? (last?.businessId === businessId ? last.counts : undefined);
}

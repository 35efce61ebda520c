import { useMemo } from 'preact/hooks';
import type { InboxView } from '../../../clients/js/src/protocol/requests.ts';
import { hashOf } from '../app/place.ts';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';

type Props = { businessId: string; view: InboxView; conversationId?: string };

/** Lists one view of the inbox of a business. */
export function Inbox({ businessId, view, conversationId }: Props) {
  const { businesses } = useSession();
  const inbox = useMemo(() => businesses.inbox(businessId, view), [businesses, businessId, view]);
  const { conversations } = useValue(inbox);
  return (
    <ul class="rows">
      {conversations.map(({ conversation_id: id, name }) => (
        <li key={id}>
          <a
            class="row"
            href={hashOf({ kind: 'inbox', businessId, view, conversationId: id })}
            aria-current={id === conversationId ? 'true' : undefined}
            dir="auto"
          >
            {name}
          </a>
        </li>
      ))}
    </ul>
  );
}

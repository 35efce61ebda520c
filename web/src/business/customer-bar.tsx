import { useEffect, useMemo } from 'preact/hooks';
import type { Conversation, Presence } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { opensText } from './opening.ts';
import { agentOf } from './people.ts';
import { useNow } from './use-now.ts';
import { waitedText } from './waited.ts';

/** A customer sees here whether somebody of the business is there, and who answers. */
export function CustomerBar({ conversation }: { conversation: Conversation }) {
  const { store } = useSession();
  const { business_id: businessId = '' } = conversation;
  const watched = useMemo(() => store.presence({ business_id: businessId }), [store, businessId]);
  const presence = useValue(watched);
  const now = useNow();
  useReopening(conversation);
  return (
    <section class="business-bar" aria-label="State of the conversation">
      <span class="business-presence" data-status={presence.status}>
        {presenceText(presence, conversation, now)}
      </span>
      <span class="business-state" role="status" dir="auto">
        {stateText(conversation, now)}
      </span>
    </section>
  );
}

/** A customer who writes opens a conversation again, and only a new reading tells so. */
function useReopening({ conversation_id: id, state, last_seq: lastSeq }: Conversation): void {
  const { store } = useSession();
  useEffect(() => {
    if (state !== 'closed' || lastSeq === 0) return;
    // The next message or session tells what cannot be read now.
    store.conversations.fetch(id).catch((error: unknown) => void error);
  }, [store, id, state, lastSeq]);
}

/** An agent may answer while nobody is available for new conversations. */
function presenceText(
  { status, opens_at: opensAt }: Presence,
  { state }: Conversation,
  now: number,
): string {
  if (status === 'online') return 'Open';
  if (status === 'unknown' || (state === 'assigned' && !opensAt)) return '';
  return opensAt ? `Closed, ${opensText(opensAt, now)}` : 'Nobody is there now';
}

function stateText(conversation: Conversation, now: number): string {
  const { state, waiting_since: since, last_seq: lastSeq } = conversation;
  if (state === 'waiting') {
    return since ? `You have waited for ${waitedText(since, now)}` : 'You wait for an answer';
  }
  if (state === 'assigned') return `${agentOf(conversation)?.name ?? 'Somebody'} answers you`;
  return lastSeq === 0 ? 'Write, and somebody answers' : 'Closed. Write to open it again';
}

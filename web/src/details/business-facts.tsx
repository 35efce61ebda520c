import type { Conversation } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';
import { usePresence } from '../conversation/header/presence.tsx';
import { sayPresence } from '../conversation/header/presence-text.ts';
import { participantOf } from '../conversation/people.ts';

/** Says how a conversation with a business stands: its state, who has it, and when it opens. */
export function BusinessFacts({ conversation }: { conversation: Conversation }) {
  const { userId } = useSession();
  const { state, assignee_id: agentId, business_id: businessId } = conversation;
  const isCustomer = participantOf(conversation, userId)?.role === 'customer';
  const agent = agentId && participantOf(conversation, agentId);
  return (
    <dl class="details-facts">
      {isCustomer && businessId && <Opening businessId={businessId} />}
      <dt>State</dt>
      <dd>{STATES[state ?? 'closed']}</dd>
      {agent && (
        <>
          <dt>Agent</dt>
          <dd dir="auto">{agentId === userId ? 'You' : agent.name}</dd>
        </>
      )}
    </dl>
  );
}

const STATES = {
  waiting: 'Waiting for an agent',
  assigned: 'Answered by an agent',
  closed: 'Closed',
};

function Opening({ businessId }: { businessId: string }) {
  const presence = usePresence({ business_id: businessId });
  const said = sayPresence(presence);
  if (!said) return null;
  return (
    <>
      <dt>Now</dt>
      <dd>{said}</dd>
    </>
  );
}

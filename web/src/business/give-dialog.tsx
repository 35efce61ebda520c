import { useEffect, useState } from 'preact/hooks';
import { type Agent, ChatError, type Conversation } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';
import { Avatar } from '../parts/avatar.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { sayError } from '../parts/errors.ts';
import { conflictOf, sayConflict } from './conflicts.ts';
import { listAgents } from './list-agents.ts';

type GiveProps = {
  conversation: Conversation;
  role: 'agent' | 'manager';
  onGiven(conversation: Conversation): void;
  onClose(): void;
};
type Refusal = { text: string; agentId: string; mayForce: boolean };

/** Gives a conversation to an agent, who is chosen by their free places and availability. */
export function GiveDialog({ conversation, role, onGiven, onClose }: GiveProps) {
  const { businesses, nameOf } = useSession();
  const { conversation_id: id, business_id: businessId = '', assignee_id: assignee } = conversation;
  const [refusal, setRefusal] = useState<Refusal>();
  const [isBusy, setBusy] = useState(false);
  const { staff, error } = useStaff(businessId);
  const nameOfAgent = (userId: string): string => nameOf(userId) ?? 'Unknown agent';
  const give = async (agentId: string, force = false): Promise<void> => {
    if (isBusy) return;
    setBusy(true);
    try {
      onGiven(await businesses.assign(id, { agent_id: agentId, ...(force && { force }) }));
      onClose();
    } catch (thrown) {
      setRefusal(refusalOf(ChatError.from(thrown), { agentId, role, nameOf: nameOfAgent }));
      setBusy(false);
    }
  };
  const { agents, capacity } = staff ?? { agents: [], capacity: 0 };
  return (
    <Dialog title={assignee ? 'Transfer to' : 'Give to'} onClose={onClose}>
      {error && <p role="alert">{sayError(error)}</p>}
      {!staff && !error && <p>Loading …</p>}
      {refusal && (
        <div class="give-refusal" role="alert">
          <p dir="auto">{refusal.text}</p>
          {refusal.mayForce && (
            <button
              type="button"
              class="button primary"
              onClick={() => void give(refusal.agentId, true)}
            >
              Give it anyway
            </button>
          )}
        </div>
      )}
      <ul class="give-agents" aria-label="Agents">
        {agents
          .filter(({ user_id: agentId }) => agentId !== assignee)
          .map((agent) => (
            <li key={agent.user_id}>
              <AgentChoice
                {...{ agent, name: nameOfAgent(agent.user_id) }}
                capacity={agent.capacity ?? capacity}
                onGive={() => void give(agent.user_id)}
              />
            </li>
          ))}
      </ul>
    </Dialog>
  );
}

type ChoiceProps = { agent: Agent; name: string; capacity: number; onGive(): void };

function AgentChoice({ agent, name, capacity, onGive }: ChoiceProps) {
  const { user_id: id, status, is_available: isAvailable, open } = agent;
  const said = isAvailable ? 'available' : status === 'available' ? 'not connected' : status;
  return (
    <button type="button" class="give-agent" onClick={onGive}>
      <Avatar {...{ id, name }} />
      <span class="give-name" dir="auto">
        {name}
      </span>
      <span class="give-status" data-available={isAvailable}>
        {said}
      </span>
      <span class="give-places">
        {open}/{capacity}
        <span class="hidden"> places taken</span>
      </span>
    </button>
  );
}

type Staff = { agents: readonly Agent[]; capacity: number };

/** Reads the agents of a business, those who can take something first. */
function useStaff(businessId: string): {
  staff?: Staff | undefined;
  error?: ChatError | undefined;
} {
  const { businesses } = useSession();
  const [staff, setStaff] = useState<Staff>();
  const [error, setError] = useState<ChatError>();
  useEffect(() => {
    let isOver = false;
    Promise.all([listAgents(businesses, businessId), businesses.settings(businessId)]).then(
      ([agents, { capacity }]) => isOver || setStaff({ agents: agents.sort(readiest), capacity }),
      (thrown: unknown) => isOver || setError(ChatError.from(thrown)),
    );
    return () => {
      isOver = true;
    };
  }, [businesses, businessId]);
  return { staff, error };
}

function readiest(one: Agent, other: Agent): number {
  return Number(other.is_available) - Number(one.is_available) || one.open - other.open;
}

type Refused = { agentId: string; role: 'agent' | 'manager'; nameOf(userId: string): string };

function refusalOf(error: ChatError, { agentId, role, nameOf }: Refused): Refusal {
  const conflict = conflictOf(error);
  const isFull = conflict?.kind === 'full';
  const text = conflict
    ? sayConflict(conflict, { agent: nameOf(agentId), nameOf })
    : sayError(error);
  const more = isFull && role !== 'manager' ? ' Choose somebody else.' : '';
  return { text: text + more, agentId, mayForce: isFull && role === 'manager' };
}

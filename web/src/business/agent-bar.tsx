import { useRef, useState } from 'preact/hooks';
import { ChatError, type Conversation } from '../../../clients/js/src/index.ts';
import { go } from '../app/place.ts';
import { useSession } from '../app/session.ts';
import { sayError } from '../parts/errors.ts';
import { notify } from '../parts/notice.ts';
import { relativeTime } from '../parts/times.ts';
import { conflictOf, sayConflict } from './conflicts.ts';
import { GiveDialog } from './give-dialog.tsx';
import { agentOf } from './people.ts';
import { type Step, stepsOf } from './steps.ts';
import { useNow } from './use-now.ts';
import { waitedText } from './waited.ts';

type AgentBarProps = {
  conversation: Conversation;
  role: 'agent' | 'manager';
  onStep(conversation: Conversation): void;
};

const LABELS: Record<Step, string> = {
  take: 'Take',
  assign: 'Give to …',
  transfer: 'Transfer …',
  release: 'Release',
  close: 'Close',
  reopen: 'Reopen',
};

/** Somebody of the business sees who has a conversation, and takes the steps that they may. */
export function AgentBar({ conversation, role, onStep }: AgentBarProps) {
  const { userId } = useSession();
  const { business_id: businessId = '' } = conversation;
  const bar = useRef<HTMLElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [isGiving, setGiving] = useState(false);
  const act = useStep({ conversation, onStep });
  const run = async (step: Step): Promise<void> => {
    if (step === 'assign' || step === 'transfer') {
      setGiving(true);
      return;
    }
    setBusy(true);
    await act(step);
    setBusy(false);
    // The button that had the focus is gone with its step.
    bar.current?.focus();
  };
  return (
    <section class="business-bar" ref={bar} tabIndex={-1} aria-label="State of the conversation">
      <StateText {...{ conversation }} />
      {stepsOf(conversation, { userId, role }).map((step) => (
        <button
          key={step}
          type="button"
          class={step === 'take' || step === 'reopen' ? 'button primary' : 'button'}
          aria-disabled={isBusy}
          onClick={() => isBusy || void run(step)}
        >
          {LABELS[step]}
        </button>
      ))}
      {isGiving && (
        <GiveDialog
          {...{ conversation, role }}
          onGiven={(given) => {
            onStep(given);
            // Whoever is no manager may not even read it any more.
            if (role === 'agent') go({ kind: 'inbox', businessId, view: 'mine' });
          }}
          onClose={() => {
            setGiving(false);
            bar.current?.focus();
          }}
        />
      )}
    </section>
  );
}

function StateText({ conversation }: { conversation: Conversation }) {
  const { userId, nameOf } = useSession();
  const { state, waiting_since: since, closed_at: closedAt, assignee_id: assignee } = conversation;
  const now = useNow();
  const waits = since && ` · waiting for ${waitedText(since, now)}`;
  const name = agentOf(conversation)?.name ?? (assignee && nameOf(assignee)) ?? 'an agent';
  const texts = {
    waiting: `Waiting for ${since ? waitedText(since, now) : 'an agent'}`,
    assigned: `${assignee === userId ? 'You have it' : `${name} has it`}${waits ?? ''}`,
    closed: `Closed ${closedAt ? relativeTime(closedAt) : ''}`,
  };
  return (
    <span class="business-state" role="status" data-state={state} dir="auto">
      {state && texts[state]}
    </span>
  );
}

/** Returns what takes a step that needs no choice of an agent, and tells why one was refused. */
function useStep({ conversation, onStep }: Pick<AgentBarProps, 'conversation' | 'onStep'>) {
  const { businesses, userId, nameOf } = useSession();
  const { conversation_id: id, business_id: businessId = '', state } = conversation;
  return async (step: Exclude<Step, 'assign' | 'transfer'>): Promise<void> => {
    try {
      const to = state === 'assigned' ? { agent_id: userId } : {};
      onStep(await (step === 'take' ? businesses.assign(id, to) : businesses[step](id)));
      if (step === 'take') go({ kind: 'inbox', businessId, view: 'mine', conversationId: id });
    } catch (error) {
      const refused = ChatError.from(error);
      const conflict = conflictOf(refused);
      const names = { agent: 'you', nameOf: (one: string) => nameOf(one) ?? 'Somebody else' };
      notify(conflict ? sayConflict(conflict, names) : sayError(refused));
    }
  };
}

import { useState } from 'preact/hooks';
import type { ConversationInput } from '../../../clients/js/src/protocol/requests.ts';
import { go } from '../app/place.ts';
import { useSession } from '../app/session.ts';
import { Dialog } from '../parts/dialog.tsx';
import { sayError } from '../parts/errors.ts';
import { Known, useKnown } from './known.tsx';
import { NewGroup } from './new-group.tsx';

const KINDS = { person: 'Person', group: 'Group', business: 'Business' } as const;
type Kind = keyof typeof KINDS;

/** Begins a conversation with a person, a group or a business, and opens it. */
export function NewConversation({ onClose }: { onClose: () => void }) {
  const { chat, store } = useSession();
  const { people, businesses } = useKnown();
  const [kind, setKind] = useState<Kind>('person');
  const [problem, setProblem] = useState<string>();
  const create = async (input: ConversationInput): Promise<void> => {
    setProblem(undefined);
    try {
      const conversation = store.conversations.put(await chat.createConversation(input));
      onClose();
      go({ kind: 'conversations', conversationId: conversation.conversation_id });
    } catch (error) {
      setProblem(sayError(error));
    }
  };
  return (
    <Dialog title="New conversation" onClose={onClose}>
      <div class="choices kinds" role="radiogroup" aria-label="With">
        {(Object.keys(KINDS) as Kind[]).map((one) => (
          <label key={one}>
            <input type="radio" name="kind" checked={one === kind} onChange={() => setKind(one)} />
            <span>{KINDS[one]}</span>
          </label>
        ))}
      </div>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {kind === 'person' && (
        <Known
          label="People"
          all={people}
          onChosen={(id) => void create({ type: 'direct', participant_ids: [id] })}
        />
      )}
      {kind === 'business' && (
        <Known
          label="Businesses"
          all={businesses}
          onChosen={(id) => void create({ type: 'business', business_id: id })}
        />
      )}
      {kind === 'group' && (
        <NewGroup people={people} onCreate={(group) => void create({ type: 'group', ...group })} />
      )}
    </Dialog>
  );
}

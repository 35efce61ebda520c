import { useState } from 'preact/hooks';
import type { Conversation } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';
import { useChange } from '../parts/use-change.ts';
import { candidatesFor } from './candidates.ts';

/** An admin adds people to a group, with or without what was written before. */
export function AddPeople({ conversation }: { conversation: Conversation }) {
  const { chat, directory, store } = useSession();
  const { conversation_id: id, participants } = conversation;
  const { conversations } = store.conversations.value;
  const candidates = candidatesFor({ participants, people: directory.people, conversations });
  const [chosen, setChosen] = useState('');
  const [isShared, setShared] = useState(false);
  const { change, isBusy, problem } = useChange();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await change(() => chat.addParticipants(id, [chosen], isShared))) setChosen('');
  };
  return (
    <form class="details-form" aria-label="Add people" onSubmit={submit}>
      <label>
        Add somebody
        <select value={chosen} onChange={({ currentTarget: { value } }) => setChosen(value)}>
          <option value="">Choose a person</option>
          {candidates.map(({ userId, name }) => (
            <option key={userId} value={userId}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={isShared}
          onChange={({ currentTarget: { checked } }) => setShared(checked)}
        />
        Show them earlier messages
      </label>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="button" disabled={isBusy || chosen === ''}>
        Add
      </button>
    </form>
  );
}

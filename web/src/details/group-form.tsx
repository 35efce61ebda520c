import { useState } from 'preact/hooks';
import type { Conversation } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';
import { notify } from '../parts/notice.ts';
import { useChange } from '../parts/use-change.ts';

/** An admin gives a group its title and its description. */
export function GroupForm({ conversation }: { conversation: Conversation }) {
  const { chat } = useSession();
  const { conversation_id: id, title = '', description = '' } = conversation;
  const [written, setWritten] = useState({ title, description });
  const { change, isBusy, problem } = useChange();
  const changes = {
    ...(written.title !== title && { title: written.title.trim() }),
    ...(written.description !== description && { description: written.description.trim() }),
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await change(() => chat.updateConversation(id, changes))) notify('Saved');
  };
  return (
    <form class="details-form" onSubmit={submit}>
      <label>
        Title
        <input
          dir="auto"
          maxLength={TITLE_UNITS_MAX}
          value={written.title}
          onInput={({ currentTarget: { value } }) => setWritten({ ...written, title: value })}
        />
      </label>
      <label>
        Description
        <textarea
          dir="auto"
          rows={2}
          maxLength={DESCRIPTION_UNITS_MAX}
          value={written.description}
          onInput={({ currentTarget: { value } }) => setWritten({ ...written, description: value })}
        />
      </label>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="button" disabled={isBusy || Object.keys(changes).length === 0}>
        Save
      </button>
    </form>
  );
}

const TITLE_UNITS_MAX = 200;
const DESCRIPTION_UNITS_MAX = 2_000;

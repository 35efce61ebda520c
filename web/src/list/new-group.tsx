import { useState } from 'preact/hooks';
import { Avatar } from '../parts/avatar.tsx';
import type { KnownOne } from './known.tsx';

type Group = { title: string; participant_ids: string[] };
type Props = { people: readonly KnownOne[]; onCreate: (group: Group) => void };

/** The server takes so many people beside the one who makes the group. */
const OTHERS_MAX = 7;
const TITLE_CHARACTERS_MAX = 200;

/** A new group has a title and some people. */
export function NewGroup({ people, onCreate }: Props) {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const toggle = (id: string): void =>
    setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    onCreate({ title: String(data.get('title')).trim(), participant_ids: [...chosen] });
  };
  return (
    <form class="new-group" onSubmit={submit}>
      <input
        name="title"
        aria-label="Title of the group"
        placeholder="Title"
        required
        pattern=".*\S.*"
        maxLength={TITLE_CHARACTERS_MAX}
        autocomplete="off"
        dir="auto"
      />
      <ul class="known" aria-label="People">
        {people.map(({ id, name }) => (
          <li key={id}>
            <label class="known-one">
              <Avatar id={id} name={name} />
              <span dir="auto">{name}</span>
              <input
                type="checkbox"
                checked={chosen.includes(id)}
                disabled={!chosen.includes(id) && chosen.length >= OTHERS_MAX}
                onChange={() => toggle(id)}
              />
            </label>
          </li>
        ))}
      </ul>
      <button type="submit" class="button primary" disabled={chosen.length === 0}>
        {chosen.length === 0 ? 'Choose people' : `Make a group of ${chosen.length + 1}`}
      </button>
    </form>
  );
}

import { useState } from 'preact/hooks';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { candidatesFor } from '../details/candidates.ts';
import { Avatar } from '../parts/avatar.tsx';

export type KnownOne = { id: string; name: string };

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Returns whom the user may write to: those that the login server names, and those met before. */
export function useKnown(): { people: KnownOne[]; businesses: KnownOne[] } {
  const { store, directory, userId } = useSession();
  const { conversations } = useValue(store.conversations);
  const candidates = candidatesFor({ participants: [], people: directory.people, conversations });
  const businesses = new Map<string, string>();
  for (const { business_id: id, name } of conversations) if (id) businesses.set(id, name);
  for (const { business_id: id, name } of directory.businesses) businesses.set(id, name);
  return {
    people: candidates
      .filter((one) => one.userId !== userId)
      .map(({ userId: id, name }) => ({ id, name })),
    businesses: [...businesses].map(([id, name]) => ({ id, name })),
  };
}

type Props = { label: string; all: readonly KnownOne[]; onChosen: (id: string) => void };

/** One of those who are known is chosen by name, and anybody else by their id. */
export function Known({ label, all, onChosen }: Props) {
  const [text, setText] = useState('');
  const words = text.trim().toLowerCase();
  const shown = all.filter(({ name }) => name.toLowerCase().includes(words));
  return (
    <>
      <input
        aria-label="Name or id"
        placeholder="Name or id"
        autocomplete="off"
        dir="auto"
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <ul class="known" aria-label={label}>
        {shown.map(({ id, name }) => (
          <li key={id}>
            <button type="button" class="known-one" onClick={() => onChosen(id)}>
              <Avatar id={id} name={name} />
              <span dir="auto">{name}</span>
            </button>
          </li>
        ))}
        {ID.test(words) && (
          <li>
            <button type="button" class="known-one" onClick={() => onChosen(words)}>
              <Avatar id={words} name="" />
              <span>Whoever has this id</span>
            </button>
          </li>
        )}
      </ul>
      {shown.length === 0 && !ID.test(words) && (
        <p class="list-note">
          {words === '' ? 'Nobody is known here. Type an id.' : 'Nobody has this name.'}
        </p>
      )}
    </>
  );
}

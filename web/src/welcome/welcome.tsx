import type { Directory } from '../app/directory.ts';
import type { Identity } from '../app/identity.ts';
import { Icon } from '../parts/icon.tsx';
import { PersonCard } from './person-card.tsx';
import { TokenForm } from './token-form.tsx';

type Props = {
  directory: Directory;
  hasLogin: boolean;
  onChosen: (identity: Identity) => void;
};

/** Asks who the user of this window is. */
export function Welcome({ directory: { people }, hasLogin, onChosen }: Props) {
  const customers = people.filter(({ works_for }) => works_for.length === 0);
  const agents = people.filter(({ works_for }) => works_for.length > 0);
  return (
    <main class="welcome">
      <span class="welcome-mark">
        <Icon name="chat" />
      </span>
      <h1>Who are you?</h1>
      {people.length > 0 ? (
        <>
          <p class="welcome-lead">Open a second window to be two people at once.</p>
          <People title="People" people={customers} onChosen={onChosen} />
          <People title="They answer for a business" people={agents} onChosen={onChosen} />
        </>
      ) : (
        <>
          {hasLogin && <p role="alert">The login server does not answer. Reload to try again.</p>}
          {!hasLogin && <TokenForm onChosen={onChosen} />}
        </>
      )}
    </main>
  );
}

type PeopleProps = { title: string; people: Directory['people']; onChosen: Props['onChosen'] };

function People({ title, people, onChosen }: PeopleProps) {
  if (people.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul class="people">
        {people.map((person) => (
          <li key={person.user_id}>
            <PersonCard person={person} onChosen={() => onChosen(person)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

import type { Person } from '../app/directory.ts';
import { Avatar } from '../parts/avatar.tsx';

/** Somebody who is known by name can be chosen with one click. */
export function PersonCard({ person, onChosen }: { person: Person; onChosen: () => void }) {
  const { user_id: id, name, works_for: worksFor } = person;
  return (
    <button type="button" class="person" onClick={onChosen}>
      <Avatar id={id} name={name} />
      <span class="person-text">
        <span class="person-name" dir="auto">
          {name}
        </span>
        {worksFor.map(({ business_id, name: business, role }) => (
          <span key={business_id} class="person-work" dir="auto">
            {business}
            {role === 'manager' && ', manager'}
          </span>
        ))}
      </span>
    </button>
  );
}

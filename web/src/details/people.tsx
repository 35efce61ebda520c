import type { Conversation, Participant } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';
import { PresenceDot } from '../conversation/header/presence.tsx';
import { Avatar } from '../parts/avatar.tsx';
import { useChange } from '../parts/use-change.ts';

const ROLES: Partial<Record<Participant['role'], string>> = {
  admin: 'Admin',
  agent: 'Agent',
  business: 'Business',
  customer: 'Customer',
};

type Props = { conversation: Conversation; isAdmin: boolean };

/** Lists the people of a conversation. An admin of a group may remove others. */
export function People({ conversation, isAdmin }: Props) {
  const { chat, userId } = useSession();
  const { change, isBusy, problem } = useChange();
  const { conversation_id: id, participants } = conversation;
  const remove = (one: string) => void change(() => chat.removeParticipant(id, one));
  return (
    <section aria-label="People">
      <h3 class="details-title">People</h3>
      <ul class="details-people">
        {participants.map(({ user_id: one, name, avatar_url: url, role }) => (
          <li key={one} class="details-person">
            <span class="details-face">
              <Avatar id={one} name={name} url={url} />
              {one !== userId && role !== 'business' && <PresenceDot userId={one} />}
            </span>
            <span class="details-name" dir="auto">
              {one === userId ? 'You' : name}
            </span>
            <span class="details-role">{ROLES[role]}</span>
            {isAdmin && one !== userId && (
              <button
                type="button"
                class="button small"
                aria-label={`Remove ${name}`}
                disabled={isBusy}
                onClick={() => remove(one)}
              >
                Remove
              </button>
            )}
          </li>
        ))}
      </ul>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}

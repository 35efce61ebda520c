import { useState } from 'preact/hooks';
import type { Conversation } from '../../../clients/js/src/index.ts';
import { go } from '../app/place.ts';
import { useSession } from '../app/session.ts';
import { Icon } from '../parts/icon.tsx';
import { useChange } from '../parts/use-change.ts';
import { MUTE_CHOICES, mutedUntil, sayMute } from './mute-times.ts';

type Props = { conversation: Conversation; onGone: () => void };

/** Mutes and archives a conversation for the user alone, and lets them leave a group. */
export function OwnSettings({ conversation, onGone }: Props) {
  const { chat, userId } = useSession();
  const { conversation_id: id, is_muted: isMuted, muted_until: until, type } = conversation;
  const [isLeaving, setLeaving] = useState(false);
  const { change, isBusy, problem } = useChange();
  const goAway = async (make: () => Promise<unknown>): Promise<void> => {
    if (!(await change(make))) return;
    onGone();
    go({ kind: 'conversations' });
  };
  return (
    <section class="details-own" aria-label="Your settings">
      <h3 class="details-title">Notifications</h3>
      {isMuted ? (
        <div class="details-line">
          <span>{sayMute(until)}</span>
          <button
            type="button"
            class="button"
            disabled={isBusy}
            onClick={() => void change(() => chat.unmute(id))}
          >
            Unmute
          </button>
        </div>
      ) : (
        <MuteChoices
          isBusy={isBusy}
          onMute={(hours) => void change(() => chat.mute(id, mutedUntil(hours, Date.now())))}
        />
      )}
      <div class="details-line">
        <button
          type="button"
          class="button"
          disabled={isBusy}
          onClick={() => goAway(() => chat.archive(id))}
        >
          <Icon name="archive" />
          Archive
        </button>
        {type === 'group' && (
          <button
            type="button"
            class="button danger"
            disabled={isBusy}
            onClick={() =>
              isLeaving ? goAway(() => chat.removeParticipant(id, userId)) : setLeaving(true)
            }
          >
            <Icon name="leave" />
            {isLeaving ? 'Really leave?' : 'Leave the group'}
          </button>
        )}
      </div>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}

type ChoicesProps = { isBusy: boolean; onMute: (hours: number | undefined) => void };

function MuteChoices({ isBusy, onMute }: ChoicesProps) {
  return (
    <fieldset class="details-choices">
      <legend>Mute for</legend>
      {MUTE_CHOICES.map(({ label, hours }) => (
        <button
          key={label}
          type="button"
          class="button small"
          disabled={isBusy}
          onClick={() => onMute(hours)}
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}

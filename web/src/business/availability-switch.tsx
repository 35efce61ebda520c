import { useId } from 'preact/hooks';
import type { AgentStatus, Availability } from '../../../clients/js/src/index.ts';
import { ChatError } from '../../../clients/js/src/index.ts';
import { sayError } from '../parts/errors.ts';
import { notify } from '../parts/notice.ts';
import { useAvailability } from './use-availability.ts';

const CHOICES: { status: AgentStatus; label: string }[] = [
  { status: 'available', label: 'Available' },
  { status: 'away', label: 'Away' },
  { status: 'offline', label: 'Offline' },
];

/** An agent says here whether they take new conversations, and sees whether they really get any. */
export function AvailabilitySwitch({ businessId }: { businessId: string }) {
  const { availability, status: chosen, set } = useAvailability(businessId);
  const group = useId();
  const choose = (status: AgentStatus): void =>
    void set(status).catch((error: unknown) => notify(sayError(ChatError.from(error))));
  return (
    <fieldset
      class="availability"
      data-status={availability?.status}
      data-available={availability?.is_available ?? false}
    >
      <legend class="hidden">Your availability</legend>
      <div class="choices">
        {CHOICES.map(({ status, label }) => (
          <label key={status}>
            <input
              type="radio"
              name={group}
              checked={chosen === status}
              disabled={availability === undefined}
              onChange={() => choose(status)}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      <p class="availability-note">{availability && noteOf(availability)}</p>
    </fieldset>
  );
}

function noteOf({ status, is_available: isAvailable }: Availability): string {
  if (isAvailable) return 'You are given new conversations.';
  if (status === 'available') return 'You count as absent until you are connected again.';
  if (status === 'away') return 'You keep what you have, and get nothing new.';
  return 'You get nothing new, and what you have not answered goes to others.';
}

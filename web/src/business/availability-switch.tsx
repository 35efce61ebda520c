import { useState } from 'preact/hooks';
import type { AgentStatus } from '../../../clients/js/src/protocol/requests.ts';
import { useSession } from '../app/session.ts';
import { sayError } from '../parts/errors.ts';
import { notify } from '../parts/notice.ts';

const STATUSES: readonly AgentStatus[] = ['available', 'away', 'offline'];

/** An agent says whether they take new conversations. */
export function AvailabilitySwitch({ businessId }: { businessId: string }) {
  const { businesses } = useSession();
  const [status, setStatus] = useState<AgentStatus>();
  const choose = async (next: AgentStatus): Promise<void> => {
    try {
      setStatus((await businesses.setAvailability(businessId, next)).status);
    } catch (error) {
      notify(sayError(error));
    }
  };
  return (
    <fieldset class="availability">
      <legend>Availability</legend>
      {STATUSES.map((one) => (
        <button
          key={one}
          type="button"
          class="button"
          aria-pressed={one === status}
          onClick={() => void choose(one)}
        >
          {one}
        </button>
      ))}
    </fieldset>
  );
}

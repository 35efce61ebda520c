import type { ContactsPage } from '../../../shared/contracts/contacts.ts';
import { encodeLive } from '../../../shared/contracts/events.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { createAskStore } from '../../../shared/nats/rpc-clients.ts';
import type { ProfileRef } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';

export type Viewers = {
  /**
   * Sends `profile_updated` to all users who share a conversation with the user or business of
   * `ref`. Rejects if store is away.
   */
  tell(ref: ProfileRef): Promise<void>;
};

const STORE_TIMEOUT_MS = 2_500;
/** Users beyond this number see the new name with their next load. */
const VIEWERS_MAX = 10_000;

export function createViewers({ bus, metrics }: { bus: Bus; metrics: ProfilesMetrics }): Viewers {
  const store = createAskStore(bus, STORE_TIMEOUT_MS);
  return {
    async tell(ref) {
      const viewed = idFieldOf(ref);
      const payload = encodeLive({ type: 'profile_updated', ...viewed });
      const told = new Set<UserId>();
      let cursor: string | null = null;
      do {
        const request = { ...viewed, ...(cursor !== null && { cursor }) };
        const page: ContactsPage = await store('contacts.list', request);
        for (const userId of page.user_ids) {
          if (told.has(userId)) continue;
          told.add(userId);
          bus.publish(subjects.user(userId), payload);
        }
        cursor = page.next_cursor;
      } while (cursor !== null && told.size < VIEWERS_MAX);
      metrics.told.inc(told.size);
    },
  };
}

function idFieldOf({ kind, id }: ProfileRef): { user_id: UserId } | { business_id: BusinessId } {
  return kind === 'user' ? { user_id: id as UserId } : { business_id: id as BusinessId };
}

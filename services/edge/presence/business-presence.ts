import type { BusinessOpening } from '../../../shared/contracts/businesses.ts';
import type { BusinessPresence } from '../../../shared/protocol/presence.ts';

/** Shows the presence of a business as the protocol has it. */
export function businessPresence(opening: BusinessOpening): BusinessPresence {
  const { business_id, is_online, opens_at } = opening;
  return {
    business_id,
    status: is_online ? 'online' : 'offline',
    ...(opens_at !== undefined && { opens_at }),
  };
}

import type { BusinessOpening } from '../../../shared/contracts/businesses.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import type { BusinessPresence } from '../../../shared/protocol/presence.ts';
import type { Presence } from './presence.ts';

type Deps = {
  /** Asks store for the openings of ≤ 16 businesses. */
  ask: (ids: BusinessId[]) => Promise<readonly BusinessOpening[]>;
  presence: Pick<Presence, 'ofUsers'>;
};

/** Store is asked for so many businesses at once, and for one batch after the other. */
const BATCH_MAX = 16;
/** Redis is asked for so many agents at once. */
const AGENTS_MAX = 500;

/**
 * Returns the presence of ≤ 200 businesses, once for each. A business is online while it is open
 * and one of its agents is available, as `agents-view.ts` tells it of each agent. Rejects where
 * store is away.
 */
export async function readBusinesses(
  { ask, presence }: Deps,
  ids: readonly BusinessId[],
): Promise<BusinessPresence[]> {
  const wanted = [...new Set(ids)];
  const openings: BusinessOpening[] = [];
  for (let from = 0; from < wanted.length; from += BATCH_MAX) {
    openings.push(...(await ask(wanted.slice(from, from + BATCH_MAX))));
  }
  const online = await findStaffed(presence, openings);
  return openings.map(({ business_id, opens_at }) => ({
    business_id,
    status: online.has(business_id) ? 'online' : 'offline',
    ...(opens_at !== undefined && { opens_at }),
  }));
}

/**
 * Returns the businesses of which an agent is here. Each round looks at some agents of each
 * business that is still undecided. Mostly one of the first few is here, so one round is enough.
 */
async function findStaffed(
  presence: Deps['presence'],
  openings: readonly BusinessOpening[],
): Promise<Set<BusinessId>> {
  const staffed = new Set<BusinessId>();
  let undecided = openings.map(({ business_id, agents }) => ({ business_id, agents }));
  for (;;) {
    undecided = undecided.filter(
      ({ business_id, agents }) => agents.length > 0 && !staffed.has(business_id),
    );
    if (undecided.length === 0) return staffed;
    const share = Math.max(1, Math.floor(AGENTS_MAX / undecided.length));
    const looked = undecided.map(({ agents }) => agents.slice(0, share));
    const known = await presence.ofUsers([...new Set(looked.flat())]);
    for (const [index, business] of undecided.entries()) {
      const isHere = looked[index]?.some((id) => known.get(id)?.status !== 'offline');
      if (isHere === true) staffed.add(business.business_id);
      business.agents = business.agents.slice(share);
    }
  }
}

import { Gatherer } from '../../../shared/concurrency/gatherer.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Profile, ProfileMap, ProfileRef } from '../profile.ts';

/** A fetching is an id that kaha-main-v3 is asked for now. */
export type Fetching = {
  readonly ref: ProfileRef;
  /** `seen` is the stale marker that was set before, or '' for none. */
  readonly seen: string;
  /** The id was asked for at this time, by `steadyMs`. */
  readonly since: number;
};

export type ProfileFetcher = {
  /**
   * Resolves with the profile, or with undefined if kaha-main-v3 has none. Rejects if kaha-main-v3
   * could not be asked. A caller whose id is already in flight waits for that answer, whatever its
   * `seen`.
   */
  fetch(ref: ProfileRef, seen: string): Promise<Profile | undefined>;
  /**
   * Does the same as `fetch`, but waits until a call that is already in flight for the id has
   * ended, and then asks again.
   */
  fetchAnew(ref: ProfileRef, seen: string): Promise<Profile | undefined>;
  readonly inFlight: number;
  /** Resolves once nothing is in flight. */
  idle(): Promise<void>;
};

type FetchBatch = (batch: readonly Fetching[]) => Promise<ProfileMap>;

const BATCH_MAX = 100;
/**
 * This time is short beside an HTTP call, and long enough for the ids of requests that came
 * together.
 */
const COALESCE_MS = 5;
const IN_FLIGHT_MAX = 20_000;

type Waiting = Fetching & {
  promise: Promise<Profile | undefined>;
  resolve: (profile: Profile | undefined) => void;
  reject: (error: unknown) => void;
};

/** The fetcher has no room for more ids. */
export class FetcherFullError extends Error {}

/**
 * Joins single ids of all callers into calls of at most 100 ids. Ids that come within 5 ms of the
 * first go together, and an id that is in flight is not asked for a second time. Beyond 20 000 ids
 * in flight the fetcher refuses.
 */
export function createProfileFetcher(fetchBatch: FetchBatch): ProfileFetcher {
  const inFlight = new Map<string, Waiting>();
  const send = async (batch: readonly Waiting[]): Promise<void> => {
    const settle = await outcomeOf(() => fetchBatch(batch));
    for (const one of batch) {
      inFlight.delete(one.ref.key);
      settle(one);
    }
  };
  const limits = { waitMs: COALESCE_MS, batchMax: BATCH_MAX, heldMax: IN_FLIGHT_MAX };
  const gatherer = new Gatherer<string, Waiting>(limits, send);
  const fetch: ProfileFetcher['fetch'] = (ref, seen) => {
    const running = inFlight.get(ref.key);
    if (running !== undefined) return running.promise;
    if (!gatherer.hasRoomFor(1)) return Promise.reject(new FetcherFullError());
    const one = newWaiting({ ref, seen, since: steadyMs() });
    inFlight.set(ref.key, one);
    void gatherer.put(ref.key, one);
    return one.promise;
  };
  return {
    fetch,
    async fetchAnew(ref, seen) {
      await Promise.allSettled([inFlight.get(ref.key)?.promise]);
      return fetch(ref, seen);
    },
    get inFlight() {
      return inFlight.size;
    },
    async idle() {
      await Promise.allSettled([...inFlight.values()].map(({ promise }) => promise));
    },
  };
}

function newWaiting(fetching: Fetching): Waiting {
  const parts = {} as Pick<Waiting, 'resolve' | 'reject'>;
  const promise = new Promise<Profile | undefined>((resolve, reject) => {
    Object.assign(parts, { resolve, reject });
  });
  return { ...fetching, promise, ...parts };
}

async function outcomeOf(fetchAll: () => Promise<ProfileMap>): Promise<(one: Waiting) => void> {
  try {
    const found = await fetchAll();
    return ({ ref, resolve }) => resolve(found.get(ref.key));
  } catch (error) {
    return ({ reject }) => reject(error);
  }
}

import type { Profile, ProfileMap, ProfileRef } from '../profile.ts';

/** An id that is asked for now. */
export type Fetching = {
  readonly ref: ProfileRef;
  /** The stale marker that stood before, '' for none. */
  readonly seen: string;
  /** Epoch ms. */
  readonly since: number;
};

export type ProfileFetcher = {
  /**
   * The profile, or undefined where kaha-main-v3 has none; rejects where it could not be asked. An
   * id that is in flight is waited for, whatever its `seen`.
   */
  fetch(ref: ProfileRef, seen: string): Promise<Profile | undefined>;
  /** As `fetch`, but what is in flight by now is waited for and not taken. */
  fetchAnew(ref: ProfileRef, seen: string): Promise<Profile | undefined>;
  readonly inFlight: number;
  /** Resolves once nothing is in flight. */
  idle(): Promise<void>;
};

export type FetchBatch = (batch: readonly Fetching[]) => Promise<ProfileMap>;

export const BATCH_MAX = 100;
/** Short beside an HTTP call, long enough for the ids of requests that came together. */
const COALESCE_MS = 5;
const IN_FLIGHT_MAX = 20_000;

type Waiting = Fetching & {
  promise: Promise<Profile | undefined>;
  resolve: (profile: Profile | undefined) => void;
  reject: (error: unknown) => void;
};

/** There is no room for more ids. */
export class FetcherFullError extends Error {}

/**
 * Joins single ids, of all callers, into calls of ≤ 100: those that come within 5 ms of the first
 * go together, and an id that is in flight is never asked for beside that. Beyond 20 000 ids in
 * flight it refuses.
 */
export function createProfileFetcher(fetchBatch: FetchBatch): ProfileFetcher {
  const inFlight = new Map<string, Waiting>();
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;

  const send = async (batch: readonly Waiting[]): Promise<void> => {
    const settle = await outcomeOf(() => fetchBatch(batch));
    for (const one of batch) {
      inFlight.delete(one.ref.key);
      settle(one);
    }
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = [];
    void send(batch);
  };
  const fetch: ProfileFetcher['fetch'] = (ref, seen) => {
    const running = inFlight.get(ref.key);
    if (running !== undefined) return running.promise;
    if (inFlight.size >= IN_FLIGHT_MAX) return Promise.reject(new FetcherFullError());
    const one = newWaiting({ ref, seen, since: Date.now() });
    inFlight.set(ref.key, one);
    waiting.push(one);
    if (waiting.length === BATCH_MAX) flush();
    else timer ??= setTimeout(flush, COALESCE_MS);
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

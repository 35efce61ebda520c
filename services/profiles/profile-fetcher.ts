import type { Profile, ProfileMap, ProfileRef } from './profile.ts';

export type ProfileFetcher = {
  /** The profile, or undefined where kaha-main-v3 has none; rejects where it could not be asked. */
  fetch(ref: ProfileRef): Promise<Profile | undefined>;
  readonly inFlight: number;
  /** Resolves once nothing is in flight. */
  idle(): Promise<void>;
};

export type FetchBatch = (refs: readonly ProfileRef[]) => Promise<ProfileMap>;

export const BATCH_MAX = 100;
/** Short beside an HTTP call, long enough for the ids of requests that came together. */
const COALESCE_MS = 5;
const IN_FLIGHT_MAX = 20_000;

type Waiting = {
  ref: ProfileRef;
  resolve: (profile: Profile | undefined) => void;
  reject: (error: unknown) => void;
};

/** There is no room for more ids. */
export class FetcherFullError extends Error {}

/**
 * Joins single ids into calls of ≤ 100: those that come within 5 ms of the first go together, and
 * an id that is in flight is not asked for again. Beyond 20 000 ids in flight it refuses.
 */
export function createProfileFetcher(fetchBatch: FetchBatch): ProfileFetcher {
  const inFlight = new Map<string, Promise<Profile | undefined>>();
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;

  const send = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const found = await fetchBatch(batch.map(({ ref }) => ref));
      for (const { ref, resolve } of batch) resolve(found.get(ref.key));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      for (const { ref } of batch) inFlight.delete(ref.key);
    }
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = [];
    void send(batch);
  };
  return {
    fetch(ref) {
      const running = inFlight.get(ref.key);
      if (running !== undefined) return running;
      if (inFlight.size >= IN_FLIGHT_MAX) return Promise.reject(new FetcherFullError());
      const promise = new Promise<Profile | undefined>((resolve, reject) => {
        waiting.push({ ref, resolve, reject });
      });
      inFlight.set(ref.key, promise);
      if (waiting.length === BATCH_MAX) flush();
      else timer ??= setTimeout(flush, COALESCE_MS);
      return promise;
    },
    get inFlight() {
      return inFlight.size;
    },
    async idle() {
      await Promise.allSettled(inFlight.values());
    },
  };
}

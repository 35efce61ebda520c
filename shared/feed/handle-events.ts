import { forEachBounded } from '../concurrency/for-each-bounded.ts';
import { pause } from '../concurrency/pause.ts';
import type { FeedEvent } from '../contracts/feed.ts';
import { KahaError } from '../errors.ts';
import type { Logger } from '../process/logger.ts';

/** The consumer has taken the event on, and does what it must until `done` resolves. */
export type TakenOn = { done: Promise<void> };

type Handling = {
  /** Carries out what the consumer does with an event. It may get an event more than once. */
  handle: (event: FeedEvent) => Promise<TakenOn | undefined> | Promise<void>;
  /** At most this many events are handled at a time. */
  concurrencyMax: number;
  signal: AbortSignal;
  /** Hears of each event that the consumer goes on with. */
  onTakenOn?: (taken: TakenOn) => void;
  /** Hears of each event that is given up. */
  onGiveUp: () => void;
  logger: Logger;
};

const REPEAT_MS = 1_000;
const ATTEMPTS_MAX = 5;

/**
 * Hands each event to the handler, and resolves once all of them are done with or taken on. An
 * event whose handler rejects is handed over again after 1 s: for as long as `shared/errors` calls
 * the error retryable, and otherwise 5 times in all, after which the event is logged and given up.
 * So one event that its handler cannot read does not stop those behind it. If the signal aborts, no
 * event is handed over any more, and the promise rejects unless all were done with.
 */
export async function handleEvents(events: readonly FeedEvent[], how: Handling): Promise<void> {
  let done = 0;
  await forEachBounded(events, how.concurrencyMax, async (event) => {
    for (let attempt = 1; !how.signal.aborted; attempt += 1) {
      if (await isDoneWith(event, { ...how, attempt })) {
        done += 1;
        return;
      }
      await pause(REPEAT_MS, how.signal);
    }
  });
  if (done < events.length) how.signal.throwIfAborted();
}

async function isDoneWith(
  event: FeedEvent,
  { handle, attempt, onTakenOn, onGiveUp, logger }: Handling & { attempt: number },
): Promise<boolean> {
  try {
    const taken = await handle(event);
    if (taken) onTakenOn?.(taken);
    return true;
  } catch (thrown) {
    const about = { err: thrown, event_id: event.event_id, kind: event.kind, attempt };
    if (KahaError.from(thrown).isRetryable || attempt < ATTEMPTS_MAX) {
      logger.warn(about, 'event of the feed is repeated');
      return false;
    }
    logger.error(about, 'event of the feed given up');
    onGiveUp();
    return true;
  }
}

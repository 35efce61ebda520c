import { pause } from '../concurrency/pause.ts';
import type { EventsPage, EventsRange, FeedEvent } from '../contracts/feed.ts';
import type { Logger } from '../process/logger.ts';

type Deps = {
  /** Asks store `events.between`. */
  askEvents: (range: EventsRange) => Promise<EventsPage>;
  handleAll: (events: readonly FeedEvent[]) => Promise<void>;
  signal: AbortSignal;
  logger: Logger;
};

const PAGE_EVENTS = 200;
const RETRY_MS = 2_000;

/**
 * Hands over all events that happened between two times, as store knows them, page by page. A page
 * that store does not answer is asked for again after 2 s, for as long as it takes.
 */
export async function catchUp(
  { from, until }: { from: string; until: string },
  { askEvents, handleAll, signal, logger }: Deps,
): Promise<void> {
  let range: EventsRange | undefined = { from, until, limit: PAGE_EVENTS };
  while (range !== undefined) {
    signal.throwIfAborted();
    const page: EventsPage | undefined = await askEvents(range).catch((error) => {
      logger.warn({ err: error, from, until }, 'store does not tell past events');
      return undefined;
    });
    if (page === undefined) {
      await pause(RETRY_MS, signal);
      continue;
    }
    await handleAll(page.events);
    range = page.next_cursor === null ? undefined : { ...range, cursor: page.next_cursor };
  }
}

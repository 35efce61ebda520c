import { jetStreamApi, streams, subjects } from '../contracts/subjects.ts';
import { newId } from '../ids.ts';
import type { Bus } from '../nats/bus.ts';
import { parseJson } from '../nats/parse-json.ts';

/** A consumer has handled all batches up to the number `seq` of EVENTS. */
export type Bookmark = {
  seq: number;
  /** EVENTS stored that batch at this time, ISO 8601 in UTC. Earlier versions did not note it. */
  stored_at?: string;
  /** All events that happened before this time are in these batches, or store has told them. */
  owed_from: string;
};

const TIMEOUT_MS = 5_000;
const NOT_FOUND = 404;

/**
 * Reads and writes the bookmark of one consumer, which NATS keeps for its next start. What
 * JetStream itself keeps of a consumer does not suffice: a server may move the floor of a consumer
 * over batches that EVENTS has dropped, and a restart forgets when the last acknowledgement came.
 */
export function createBookmarks(bus: Pick<Bus, 'nc' | 'jetPublish'>, consumer: string) {
  const subject = subjects.bookmarks(consumer);
  return {
    /** Resolves with undefined if the consumer has never written one. */
    async read(): Promise<Bookmark | undefined> {
      const api = jetStreamApi(`DIRECT.GET.${streams.bookmarks}.${subject}`);
      const msg = await bus.nc.request(api, '', { timeout: TIMEOUT_MS });
      const code = msg.headers?.code ?? 0;
      if (code === NOT_FOUND) return undefined;
      if (code >= NOT_FOUND) throw new Error(`bookmark: ${code} ${msg.headers?.description}`);
      return parseJson(msg.data) as Bookmark;
    },
    write: (bookmark: Bookmark): Promise<void> =>
      bus.jetPublish(subject, Buffer.from(JSON.stringify(bookmark)), {
        msgId: newId<string>(),
        timeoutMs: TIMEOUT_MS,
      }),
  };
}

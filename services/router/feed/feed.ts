import { setTimeout as delay } from 'node:timers/promises';
import { Gatherer } from '../../../shared/concurrency/gatherer.ts';
import type { FeedEvent } from '../../../shared/contracts/feed.ts';
import type { ReadInput, ReadReply } from '../../../shared/contracts/positions.ts';
import { newId } from '../../../shared/ids.ts';
import { heapShare } from '../../../shared/process/heap-share.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { readEvent } from './read-event.ts';

const WAIT_MS = 50;
const BATCH_EVENTS_MAX = 200;
/** The time that heads a batch, and the commas between its events, take less than 1 KiB. */
const BATCH_BYTES_MAX = 511 * 1024;
/**
 * At most so much waits or is on its way, which is 20 s of messages at the rate of one process. An
 * event beyond it is not fed.
 */
const HELD_EVENTS_MAX = 20_000;
const HELD_BYTES_MAX = heapShare(1 / 48, 16 * 1024 ** 2);
/** An event is dropped if this part of the room is taken. */
const ROOM = { owed: 1, best_effort: 1 / 2 };
const TRIES = 3;
const RETRY_DELAY_MS = 300;

type Deps = {
  /** Publishes a batch under this message id. Resolves once the stream EVENTS has it. */
  publish: (payload: string, msgId: string) => Promise<void>;
  metrics: RouterMetrics;
  logger: Logger;
};

/**
 * Publishes what has happened to the stream EVENTS, in batches of 50 ms, at most 200 events and 512
 * KiB. It tries each batch at most three times. It keeps nothing: the outbox still owes an event
 * that the stream does not have.
 */
export class Feed {
  readonly #deps: Deps;
  readonly #gatherer: Gatherer<number, string>;
  #puts = 0;
  #heldBytes = 0;
  /** All that happened before the epoch has been published, so a feed may begin with it. */
  #owedFromMs = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    const limits = { waitMs: WAIT_MS, batchMax: BATCH_EVENTS_MAX, heldMax: HELD_EVENTS_MAX };
    this.#gatherer = new Gatherer(limits, (events) => this.#write(events));
  }

  /** Counts the events that wait or are on their way. */
  get waiting(): number {
    return this.#gatherer.held;
  }

  /** Resolves to whether the stream has the event. Never rejects. */
  put(event: FeedEvent): Promise<boolean> {
    return this.#gather(event, 'owed');
  }

  /**
   * Publishes an event that nobody owes, best effort. Such events take at most half of the room, so
   * that they do not crowd out what is owed.
   */
  tell(event: FeedEvent): void {
    void this.#gather(event, 'best_effort');
  }

  /** Tells of a read, best effort, if it has raised the user's position. */
  tellRead(input: ReadInput, reply: ReadReply): void {
    const event = readEvent(input, reply);
    if (event !== undefined) this.tell(event);
  }

  /**
   * Notes that nothing that happened before this time (ISO 8601) is owed any more. Batches that
   * leave from now on say so.
   */
  noteOldest(oldestAt: string): void {
    const owedFromMs = Date.parse(oldestAt);
    if (owedFromMs > this.#owedFromMs) this.#owedFromMs = owedFromMs;
  }

  /** Publishes what waits. Resolves when no batch is on its way. */
  close(): Promise<void> {
    return this.#gatherer.close();
  }

  /** Drops the event if there is no room. */
  #gather(event: FeedEvent, duty: keyof typeof ROOM): Promise<boolean> {
    const room = ROOM[duty];
    const json = JSON.stringify(event);
    const bytes = bytesOf(json);
    const isFull =
      bytes > BATCH_BYTES_MAX ||
      this.#gatherer.held >= HELD_EVENTS_MAX * room ||
      this.#heldBytes + bytes > HELD_BYTES_MAX * room;
    if (isFull) {
      this.#deps.metrics.feedDropped.inc({ duty });
      return Promise.resolve(false);
    }
    this.#puts += 1;
    this.#heldBytes += bytes;
    return this.#gatherer.put(this.#puts, json).then(isStored, isNotStored);
  }

  /** Rejects if the stream does not have all the events. */
  async #write(events: readonly string[]): Promise<void> {
    try {
      await Promise.all(batchesOf(events).map((batch) => this.#send(batch)));
    } finally {
      for (const json of events) this.#heldBytes -= bytesOf(json);
    }
  }

  async #send(events: readonly string[]): Promise<void> {
    const { publish, metrics, logger } = this.#deps;
    const owedFrom = new Date(this.#owedFromMs).toISOString();
    const payload = `{"owed_from":"${owedFrom}","events":[${events.join(',')}]}`;
    const msgId = newId<string>();
    for (let tries = 1; ; tries += 1) {
      try {
        await publish(payload, msgId);
        metrics.feedBatches.inc();
        metrics.feedEvents.inc(events.length);
        return;
      } catch (error) {
        metrics.feedFailures.inc();
        if (tries >= TRIES) {
          logger.warn({ err: error, count: events.length }, 'events are not fed');
          throw error;
        }
        await delay(RETRY_DELAY_MS * tries);
      }
    }
  }
}

/** An event holds ASCII alone, so each character is one byte. A comma follows it. */
function bytesOf(json: string): number {
  return json.length + 1;
}

/** Divides the events into batches of at most 511 KiB. */
function batchesOf(events: readonly string[]): string[][] {
  const batches: string[][] = [];
  let batch: string[] = [];
  let bytes = 0;
  for (const json of events) {
    bytes += bytesOf(json);
    if (bytes > BATCH_BYTES_MAX) {
      batches.push(batch);
      batch = [];
      bytes = bytesOf(json);
    }
    batch.push(json);
  }
  batches.push(batch);
  return batches;
}

const isStored = (): boolean => true;
const isNotStored = (): boolean => false;

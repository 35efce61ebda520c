import type { Consumer, JsMsg } from 'nats';
import { pause } from '../concurrency/pause.ts';
import type { EventsPage, EventsRange, FeedBatch, FeedEvent } from '../contracts/feed.ts';
import { streams } from '../contracts/subjects.ts';
import type { Bus } from '../nats/bus.ts';
import { pull } from '../nats/pull.ts';
import { steadyMs } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Metrics } from '../process/metrics.ts';
import { type Bookmark, createBookmarks } from './bookmarks.ts';
import { catchUp } from './catch-up.ts';
import { handleEvents, type TakenOn } from './handle-events.ts';
import { judgeSequence, storedAt } from './judge-sequence.ts';
import { parseBatch } from './parse-batch.ts';

type Deps = { bus: Bus; logger: Logger; metrics: Metrics };

type FeedReaderOptions = {
  /** Names the durable on EVENTS. The bus is connected as the NATS user `feed-<consumer>`. */
  consumer: string;
  /** Carries out what the consumer does with an event. It may get an event more than once. */
  handle: (event: FeedEvent) => Promise<TakenOn | undefined> | Promise<void>;
  /** The handler takes events on, and does what it must about them later. */
  takesOn?: true;
  /** At most this many events are handled at a time. */
  concurrencyMax: number;
  /** Asks store `events.between`. */
  askEvents: (range: EventsRange) => Promise<EventsPage>;
};

export type FeedReading = {
  /** Tells whether the reader had nearly all that there was when it asked last. */
  isCurrent(): boolean;
  close(): Promise<void>;
};

/** A reader that has no bookmark has not done with any batch. */
type Place = Omit<Bookmark, 'seq'> & { seq?: number };

type Gap = { message: JsMsg; onTakenOn: (taken: TakenOn) => void };

/** A reader holds at most this many batches, of 512 KiB each at most. */
const BATCHES_MAX = 8;
/** JetStream delivers a message again 30 s after it was delivered or last called in work. */
const IN_WORK_MS = 10_000;
const HEAL_MS = 1_000;
const BOOKMARK_GAP_MS = 1_000;
/** So many batches with events that were taken on are held. Of more, the oldest is let go. */
const HELD_MAX = { count: 4_000, bytes: 64 * 1024 ** 2 };
/** The clocks of Postgres and NATS are apart by less than this. */
const CLOCKS_APART_MS = 5_000;

/**
 * Reads the feed for one consumer, and hands it each event at least once. Batches are handled in
 * their order, one after the other, and a batch is acknowledged once all of its events are done
 * with. `handleEvents` says what becomes of an event whose handler rejects.
 *
 * Where the numbers of the batches have a gap, EVENTS has dropped batches that this consumer had
 * not read. Before the reader goes on, it hands over all events that store knows since the time up
 * to which nothing was owed. It keeps that time in a bookmark, so that it sees a gap over its own
 * restarts and those of NATS. A consumer without a bookmark takes its first batch for a gap, and
 * begins with what has happened since its durable was made.
 *
 * A handler that takes events on lets the next batches come. A batch is acknowledged once all that
 * was taken on of it is done. If the reader ends or dies before, the next reader gets the batch
 * again, at once or after 30 s, and hands it over beside newer ones.
 *
 * A consumer has one reader at a time. Two of them would take each other's batches for gaps, and
 * hand over events twice. A reader that cannot reach NATS or store waits for them.
 */
export function startFeedReader(deps: Deps, options: FeedReaderOptions): FeedReading {
  const reader = new FeedReader(deps, options);
  const running = reader.run();
  return {
    isCurrent: () => reader.isCurrent,
    async close() {
      reader.stop();
      await running;
    },
  };
}

class FeedReader {
  readonly #bus: Bus;
  readonly #logger: Logger;
  readonly #options: FeedReaderOptions;
  readonly #bookmarks: ReturnType<typeof createBookmarks>;
  readonly #gaps: { inc(): void };
  readonly #givenUp: { inc(): void };
  readonly #ending = new AbortController();
  #consumer: Consumer | undefined;
  /** All batches up to this one are done with. It is read before the first batch. */
  #done: Place | undefined;
  #written: Place | undefined;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  readonly #letGo: { inc(): void };
  /** Is undefined until JetStream has answered. */
  #waiting: number | undefined;
  /** These messages were delivered and are not yet acknowledged, the oldest first. */
  readonly #held = new Set<JsMsg>();
  #heldBytes = 0;
  /** So much of what store told after gaps is not yet done. The bookmark stays before the gaps. */
  #owedToGaps = 0;

  constructor({ bus, logger, metrics }: Deps, options: FeedReaderOptions) {
    this.#bus = bus;
    this.#logger = logger;
    this.#options = options;
    this.#bookmarks = createBookmarks(bus, options.consumer);
    const waiting = () => this.#waiting ?? 0;
    metrics.gauge('kaha_feed_waiting_batches', 'Batches that wait for this consumer', waiting);
    this.#gaps = metrics.counter('kaha_feed_gaps_total', 'Gaps of the feed caught up from store');
    this.#givenUp = metrics.counter('kaha_feed_given_up_total', 'Events of the feed given up');
    const letGo = 'Batches acknowledged before all that was taken on was done';
    this.#letGo = metrics.counter('kaha_feed_let_go_total', letGo);
    metrics.gauge('kaha_feed_held_batches', 'Batches taken on', () => this.#held.size);
  }

  get isCurrent(): boolean {
    return this.#waiting !== undefined && this.#waiting < BATCHES_MAX;
  }

  async run(): Promise<void> {
    const timer = setInterval(() => this.#callInWork(), IN_WORK_MS);
    while (!this.#ending.signal.aborted && !this.#bus.nc.isClosed()) {
      try {
        await this.#readOnce();
      } catch (error) {
        if (this.#ending.signal.aborted) break;
        this.#logger.warn({ err: error }, 'reader of the feed heals');
        this.#consumer = undefined;
        this.#waiting = undefined;
        this.#putBack();
        await pause(HEAL_MS, this.#ending.signal);
      }
    }
    clearInterval(timer);
    this.#putBack();
    await this.#writeBookmark();
  }

  stop(): void {
    this.#ending.abort();
  }

  async #readOnce(): Promise<void> {
    const { consumer } = this.#options;
    this.#consumer ??= await this.#bus.nc.jetstream().consumers.get(streams.events, consumer);
    this.#done ??= (await this.#bookmarks.read()) ?? (await this.#beginning(this.#consumer));
    const messages = await pull(this.#consumer, BATCHES_MAX);
    for (const message of messages) this.#hold(message);
    this.#waiting = messages.at(-1)?.info.pending ?? 0;
    if (this.#options.takesOn) await this.#writeAhead(messages, this.#done);
    for (const message of messages) this.#done = await this.#take(message, this.#done);
    if (steadyMs() - this.#writtenAtMs >= BOOKMARK_GAP_MS) await this.#writeBookmark();
  }

  /**
   * Writes the place behind these batches, up to a gap, before they are taken on. A reader that
   * dies then leaves the next one no gap that is none: what was not done comes again by itself.
   */
  async #writeAhead(messages: readonly JsMsg[], done: Place): Promise<void> {
    let ahead = done;
    for (const message of messages) {
      const judgement = judgeSequence(ahead, message);
      if (judgement === 'gap') break;
      if (judgement === 'known') continue;
      const { owed_from } = done;
      ahead = { seq: message.seq, stored_at: storedAt(message), owed_from };
    }
    if (ahead !== done) await this.#writeBookmark(ahead);
  }

  /** Returns the place before all that has happened since the durable was made. */
  async #beginning(consumer: Consumer): Promise<Place> {
    const { created } = await consumer.info(true);
    const from = new Date(Date.parse(created) - CLOCKS_APART_MS);
    return { owed_from: from.toISOString() };
  }

  /** Carries out and acknowledges a batch. Resolves with the place that the reader has reached. */
  async #take(message: JsMsg, done: Place): Promise<Place> {
    const judgement = judgeSequence(done, message);
    if (judgement === 'known' && !this.#options.takesOn) {
      this.#settle(message, () => message.ack());
      return done;
    }
    const batch = this.#parse(message);
    if (batch === undefined) return done;
    const taken: Promise<void>[] = [];
    const onTakenOn = (one: TakenOn): void => void taken.push(one.done);
    if (judgement === 'gap') await this.#catchUp(done, { message, onTakenOn });
    await this.#handleAll(batch.events, onTakenOn);
    this.#acknowledgeAfter(taken, message);
    // This batch was taken on before, but is not done.
    if (judgement === 'known') return done;
    // A router that has just started tells an earlier time than others did.
    const isLater = batch.owed_from > done.owed_from;
    const { owed_from } = isLater ? batch : done;
    return { seq: message.seq, stored_at: storedAt(message), owed_from };
  }

  #acknowledgeAfter(taken: readonly Promise<void>[], message: JsMsg): void {
    const settle = (): void => this.#settle(message, () => message.ack());
    if (taken.length === 0) settle();
    else void Promise.all(taken).then(settle);
  }

  /** Lets the oldest batches go where too many are held. A death then forgets what they held. */
  #hold(message: JsMsg): void {
    this.#held.add(message);
    this.#heldBytes += message.data.length;
    for (const oldest of this.#held) {
      if (this.#held.size <= HELD_MAX.count && this.#heldBytes <= HELD_MAX.bytes) return;
      this.#letGo.inc();
      this.#settle(oldest, () => oldest.ack());
    }
  }

  /** Drops a batch that cannot be read. The next batch then shows a gap, which store fills. */
  #parse(message: JsMsg): FeedBatch | undefined {
    try {
      return parseBatch(message.data);
    } catch (error) {
      this.#logger.error({ err: error, seq: message.seq }, 'batch of the feed cannot be read');
      this.#settle(message, () => message.term());
      return undefined;
    }
  }

  async #catchUp({ seq, owed_from }: Place, { message, onTakenOn }: Gap): Promise<void> {
    const atMs = message.info.timestampNanos / 1e6;
    const until = new Date(atMs + CLOCKS_APART_MS).toISOString();
    if (until <= owed_from) return;
    this.#gaps.inc();
    this.#logger.warn({ done: seq, next: message.seq, from: owed_from }, 'feed has a gap');
    await catchUp(
      { from: owed_from, until },
      {
        askEvents: this.#options.askEvents,
        handleAll: (events) => this.#handleAll(events, (taken) => this.#owe(taken, onTakenOn)),
        ...{ signal: this.#ending.signal, logger: this.#logger },
      },
    );
  }

  #owe(taken: TakenOn, onTakenOn: Gap['onTakenOn']): void {
    this.#owedToGaps += 1;
    void taken.done.then(() => {
      this.#owedToGaps -= 1;
    });
    onTakenOn(taken);
  }

  #handleAll(events: readonly FeedEvent[], onTakenOn: Gap['onTakenOn']): Promise<void> {
    return handleEvents(events, {
      ...{ ...this.#options, onTakenOn },
      ...{ signal: this.#ending.signal, logger: this.#logger },
      onGiveUp: () => this.#givenUp.inc(),
    });
  }

  /** Writes how far the reader has got. A write that fails is made up for by the next one. */
  async #writeBookmark(done = this.#done): Promise<void> {
    if (done?.seq === undefined || done === this.#written || this.#owedToGaps > 0) return;
    try {
      this.#writtenAtMs = steadyMs();
      await this.#bookmarks.write({ ...done, seq: done.seq });
      this.#written = done;
    } catch (error) {
      this.#logger.warn({ err: error }, 'bookmark of the feed not written');
    }
  }

  /** Keeps JetStream from delivering again what is still being handled. */
  #callInWork(): void {
    if (this.#bus.nc.isClosed()) return;
    for (const message of this.#held) message.working();
  }

  /** Gives back what was not handled, so that the next reader gets it at once and in order. */
  #putBack(): void {
    for (const message of this.#held) this.#settle(message, () => message.nak());
  }

  #settle(message: JsMsg, answer: () => void): void {
    if (!this.#held.delete(message)) return;
    this.#heldBytes -= message.data.length;
    if (!this.#bus.nc.isClosed()) answer();
  }
}

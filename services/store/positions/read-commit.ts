import { setTimeout as delay } from 'node:timers/promises';
import { KahaError } from '../../../shared/errors.ts';
import { type ParticipantKey, participantKey } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { classifyFailure, toKahaError } from '../database/database-error.ts';
import type { Read, ReadRow } from './read-positions.ts';

type Waiter = {
  deadlineAt: number;
  resolve: (row: ReadRow) => void;
  reject: (error: KahaError) => void;
};
/** All waiting reads of one user in one conversation share one entry, with the highest `seq`. */
type Waiting = Read & { waiters: Waiter[] };

/** When this many reads wait, a further read is refused with DATABASE_UNAVAILABLE. */
const WAITING_MAX = 10_000;
/**
 * One transaction raises at most this many positions. The statement compares every row
 * of one part with every row of the others; at 500 rows that is most of its cost.
 */
const BATCH_ROWS_MAX = 100;
/**
 * The starts of two commits are at least this far apart, because a commit costs the same however
 * many positions it raises, and no message waits for it. A read whose row is locked waits as long
 * before its next try.
 */
const COMMIT_GAP_MS = 8;
/** A batch that met a deadlock or a lost connection waits this long before the next try. */
const RETRY_MS = 100;

/**
 * A group commit joins all reads that wait into one transaction. One transaction is in flight;
 * reads that come meanwhile wait for the next. A read whose row is locked, or whose transaction met
 * a deadlock or a lost connection, joins the next transaction until its deadline has passed.
 */
export class ReadCommit {
  /** The writer returns one row per read, in order; no two reads share user and conversation. */
  readonly #write: (reads: readonly Read[]) => Promise<ReadRow[]>;
  readonly #queue = new Map<ParticipantKey, Waiting>();
  #waiters = 0;
  #running: Promise<void> | undefined;

  constructor(write: (reads: readonly Read[]) => Promise<ReadRow[]>) {
    this.#write = write;
  }

  /** The promise resolves once the position is committed or judged; it rejects with a KahaError. */
  async read(read: Read, deadlineAt: number): Promise<ReadRow> {
    if (this.#waiters >= WAITING_MAX) {
      throw new KahaError('DATABASE_UNAVAILABLE', 'Too many reads wait');
    }
    this.#waiters += 1;
    try {
      return await new Promise((resolve, reject) => {
        this.#put({ ...read, waiters: [{ deadlineAt, resolve, reject }] });
        this.#running ??= this.#run();
      });
    } finally {
      this.#waiters -= 1;
    }
  }

  /** The promise resolves when every accepted read has its answer. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #put(waiting: Waiting): void {
    const key = participantKey(waiting.conversation_id, waiting.user_id);
    const known = this.#queue.get(key);
    if (known === undefined) {
      this.#queue.set(key, waiting);
    } else {
      known.seq = Math.max(known.seq, waiting.seq);
      known.waiters.push(...waiting.waiters);
    }
  }

  async #run(): Promise<void> {
    try {
      // Every read that arrives in this turn of the event loop joins the first batch.
      await new Promise((resolve) => setImmediate(resolve));
      while (this.#queue.size > 0) {
        const startedAt = steadyMs();
        const batch = this.#take();
        if (batch.length > 0) await this.#commit(batch);
        const waitMs = startedAt + COMMIT_GAP_MS - steadyMs();
        if (waitMs > 0 && this.#queue.size < BATCH_ROWS_MAX) await delay(waitMs);
      }
    } finally {
      // Nothing may come between the empty queue and this: a read would wait for ever.
      this.#running = undefined;
    }
  }

  #take(): Waiting[] {
    const batch: Waiting[] = [];
    const nowMs = steadyMs();
    for (const [key, waiting] of this.#queue) {
      if (batch.length >= BATCH_ROWS_MAX) break;
      this.#queue.delete(key);
      refuseLate(waiting, nowMs);
      if (waiting.waiters.length > 0) batch.push(waiting);
    }
    return batch;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const rows = await this.#write(batch);
      for (const [index, waiting] of batch.entries()) {
        const row = rows[index] as ReadRow;
        if (row.status === 'locked') this.#put(waiting);
        else for (const { resolve } of waiting.waiters) resolve(row);
      }
    } catch (error) {
      const failure = classifyFailure(error);
      const isPassing = failure === 'clash' || failure === 'gone';
      if (isPassing) await delay(RETRY_MS);
      for (const waiting of batch) {
        if (isPassing) this.#put(waiting);
        else for (const { reject } of waiting.waiters) reject(toKahaError(error));
      }
    }
  }
}

function refuseLate(waiting: Waiting, nowMs: number): void {
  const late = waiting.waiters.filter(({ deadlineAt }) => deadlineAt <= nowMs);
  if (late.length === 0) return;
  waiting.waiters = waiting.waiters.filter(({ deadlineAt }) => deadlineAt > nowMs);
  for (const { reject } of late)
    reject(new KahaError('DATABASE_UNAVAILABLE', 'Not written in time'));
}

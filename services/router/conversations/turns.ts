import { KahaError } from '../../../shared/errors.ts';

type Queue = { last: Promise<unknown>; size: number };

/** At most this many tasks of one key run or wait. They are ~1 s of changes of one message. */
const WAITING_MAX = 256;
const RETRY_AFTER_S = 1;

/**
 * Runs one task at a time for each key, in order of arrival. Tasks of different keys know nothing
 * of each other. Beyond 256 tasks for one key, a task is rejected with RATE_LIMITED.
 */
export class Turns<Key> {
  readonly #queues = new Map<Key, Queue>();

  /** Counts the keys that have a task. */
  get size(): number {
    return this.#queues.size;
  }

  /** Resolves when no task waits and none is at work. */
  async drained(): Promise<void> {
    while (this.#queues.size > 0) {
      await Promise.allSettled(Array.from(this.#queues.values(), ({ last }) => last));
    }
  }

  async run<Result>(key: Key, task: () => Promise<Result>): Promise<Result> {
    const queue = this.#queues.get(key) ?? { last: Promise.resolve(), size: 0 };
    if (queue.size >= WAITING_MAX) {
      const options = { retryAfterS: RETRY_AFTER_S };
      throw new KahaError('RATE_LIMITED', 'Too much at once here', options);
    }
    this.#queues.set(key, queue);
    queue.size += 1;
    const running = queue.last.then(task, task);
    queue.last = running;
    try {
      return await running;
    } finally {
      queue.size -= 1;
      if (queue.size === 0) this.#queues.delete(key);
    }
  }
}

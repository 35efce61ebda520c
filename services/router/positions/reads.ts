import type { ReadInput, ReadReply } from '../../../shared/contracts/positions.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { ReadShape } from '../../../shared/protocol/shapes.ts';

/**
 * Reads that arrive within this time go to store in one request, because store commits no oftener.
 */
const GAP_MS = 20;
const READS_MAX = 500;
/** At most this many reads wait for their answer. Further reads are refused. */
const WAITING_MAX = 10_000;

type Deps = {
  store: AskStore;
  /** Hears of each read that store has committed. */
  announce: (input: ReadInput, reply: ReadReply) => void;
};
type Waiting = {
  input: ReadInput;
  deadlineAt: number;
  resolve: (answer: ReadShape) => void;
  reject: (error: KahaError) => void;
};

/**
 * Sends reads to store, several in one request. Each read is answered on its own once it is
 * committed.
 */
export class Reads {
  readonly #deps: Deps;
  #queue: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #waiting = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async read(input: ReadInput, deadlineAt: number): Promise<ReadShape> {
    if (this.#waiting >= WAITING_MAX) {
      throw new KahaError('DATABASE_UNAVAILABLE', 'Too many reads wait');
    }
    this.#waiting += 1;
    try {
      return await new Promise((resolve, reject) => {
        this.#queue.push({ input, deadlineAt, resolve, reject });
        if (this.#queue.length >= READS_MAX) this.#send();
        else this.#timer ??= setTimeout(() => this.#send(), GAP_MS);
      });
    } finally {
      this.#waiting -= 1;
    }
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#queue;
    this.#queue = [];
    if (batch.length > 0) void this.#ask(batch);
  }

  async #ask(batch: readonly Waiting[]): Promise<void> {
    const { store, announce } = this.#deps;
    try {
      const deadlineAt = Math.max(...batch.map((waiting) => waiting.deadlineAt));
      const request = { reads: batch.map(({ input }) => input) };
      const { results } = await store('positions.read', request, { deadlineAt });
      for (const [index, { input, resolve, reject }] of batch.entries()) {
        const result = results[index];
        if (result === undefined) {
          reject(new KahaError('INTERNAL', 'Store gave no answer'));
        } else if (result.ok) {
          resolve({ last_read_seq: result.last_read_seq });
          announce(input, result);
        } else {
          reject(KahaError.fromWire(result.error));
        }
      }
    } catch (error) {
      for (const { reject } of batch) reject(KahaError.from(error));
    }
  }
}

import { Gatherer } from '../../../shared/concurrency/gatherer.ts';
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

/** Hears of each read that store has committed. */
export type Announce = (input: ReadInput, reply: ReadReply) => void;
type Deps = { store: AskStore; announce: Announce };
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
  readonly #gatherer: Gatherer<Waiting, Waiting>;

  constructor(deps: Deps) {
    this.#deps = deps;
    const limits = { waitMs: GAP_MS, batchMax: READS_MAX, heldMax: WAITING_MAX };
    this.#gatherer = new Gatherer(limits, (batch) => this.#ask(batch));
  }

  read(input: ReadInput, deadlineAt: number): Promise<ReadShape> {
    if (!this.#gatherer.hasRoomFor(1)) {
      return Promise.reject(new KahaError('DATABASE_UNAVAILABLE', 'Too many reads wait'));
    }
    return new Promise((resolve, reject) => {
      const waiting = { input, deadlineAt, resolve, reject };
      void this.#gatherer.put(waiting, waiting);
    });
  }

  /** The promise never rejects, because each read has an answer of its own. */
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

import { setTimeout as delay } from 'node:timers/promises';
import { type Tally, tallyOne } from '../figures/tally.ts';
import type { Connection } from '../fleet/connection.ts';

type Frame = Record<string, unknown> & { type: string };
type Answer = { id?: number; data?: unknown; error?: { code: string; retry_after?: number } };
type Waiting = { connection: Connection; take(answer: Answer): void };

const TRIES = 5;
const MS_PER_S = 1_000;
/** A request whose answer does not come is given up after this time. */
const ANSWER_MS = 15_000;
const RETRYABLE: ReadonlySet<string> = new Set([
  ...['RATE_LIMITED', 'TIMEOUT', 'LOST'],
  ...['DATABASE_UNAVAILABLE', 'MESSAGING_UNAVAILABLE'],
]);

/**
 * Asks over connections, and finds the answers by their ids. A refusal that ends by itself is tried
 * again, so every request must be one that may be repeated.
 */
export class Requests {
  /** The tally has the refusals that were not tried again, by type and code. */
  readonly refused: Tally = {};
  /** The tally has all that was tried again. */
  readonly triedAgain: Tally = {};
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /** Resolves with the `data` of the answer, or with undefined if the request was refused. */
  async ask<Data>(connection: Connection, frame: Frame): Promise<Data | undefined> {
    for (let tries = 1; ; tries += 1) {
      const { data, error } = await this.#askOnce(connection, frame);
      if (error === undefined) return data as Data;
      const name = `${frame.type} ${error.code}`;
      if (!RETRYABLE.has(error.code) || tries === TRIES) {
        tallyOne(this.refused, name);
        return undefined;
      }
      tallyOne(this.triedAgain, name);
      await delay((error.retry_after ?? 1) * MS_PER_S);
    }
  }

  /** Takes the text of a reply or an error, and returns false if it answers no request. */
  take(text: string): boolean {
    const answer = JSON.parse(text) as Answer;
    const waiting = answer.id === undefined ? undefined : this.#waiting.get(answer.id);
    waiting?.take(answer);
    return waiting !== undefined;
  }

  /** Fails the requests of a connection that is lost, since their answers are lost too. */
  lose(connection: Connection): void {
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.connection === connection) waiting.take({ error: { code: 'LOST' } });
    }
  }

  #askOnce(connection: Connection, frame: Frame): Promise<Answer> {
    const { client } = connection;
    if (client === undefined) return Promise.resolve({ error: { code: 'LOST' } });
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      const late = setTimeout(() => take({ error: { code: 'LOST' } }), ANSWER_MS);
      const take = (answer: Answer): void => {
        clearTimeout(late);
        this.#waiting.delete(id);
        resolve(answer);
      };
      this.#waiting.set(id, { connection, take });
      client.sendText(JSON.stringify({ ...frame, id }));
    });
  }
}

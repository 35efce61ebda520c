import { randomBytes } from 'node:crypto';

const INDEX_DIGITS = 8;
const KEY_LENGTH = 36;

/**
 * Makes the client message ids of one worker in one run. They are UUIDs v4 whose first 8 digits are
 * the number of the message, so that an event tells which message it is, and messages of other runs
 * are recognised.
 */
export class MessageKeys {
  readonly #suffix: string;

  constructor(random: Buffer = randomBytes(16)) {
    const hex = random.toString('hex');
    const [second, third, fourth] = [hex.slice(0, 4), hex.slice(4, 7), hex.slice(7, 10)];
    this.#suffix = `-${second}-4${third}-8${fourth}-${hex.slice(10, 22)}`;
  }

  keyOf(message: number): string {
    return message.toString(16).padStart(INDEX_DIGITS, '0') + this.#suffix;
  }

  /** Returns the message whose key stands at `at`, or -1 if it is not one of this run. */
  messageAt(text: string, at: number): number {
    if (!text.startsWith(this.#suffix, at + INDEX_DIGITS)) return -1;
    if (at + KEY_LENGTH > text.length) return -1;
    return Number.parseInt(text.slice(at, at + INDEX_DIGITS), 16);
  }
}

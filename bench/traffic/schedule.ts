type ScheduleOptions = {
  /** All workers together send this many messages a second. */
  ratePerS: number;
  seconds: number;
  worker: number;
  workers: number;
  conversations: number;
  /** Each conversation has this many people. */
  groupSize: number;
};

const MS_PER_S = 1_000;
/** A message is due at its time even if a double falls short of it. */
const CLOCK_STEP_MS = 1e-6;

/**
 * The schedule says when each message of one worker is to be sent, who sends it and where. It is
 * fixed before the run and kept whatever the answers do, so that a stall of the system counts in
 * full. Workers take turns: message k of worker w is number k * workers + w of all.
 */
export class Schedule {
  readonly count: number;
  readonly #options: ScheduleOptions;

  constructor(options: ScheduleOptions) {
    const { ratePerS, seconds, worker, workers, conversations } = options;
    const total = Math.floor(ratePerS * seconds);
    this.#options = options;
    this.count = conversations === 0 ? 0 : Math.max(0, Math.ceil((total - worker) / workers));
  }

  /** Returns the time of a message in milliseconds after the start. */
  dueMs(message: number): number {
    const { ratePerS, worker, workers } = this.#options;
    return ((message * workers + worker) / ratePerS) * MS_PER_S;
  }

  /** Returns how many messages are due by that time. */
  dueCount(elapsedMs: number): number {
    const { ratePerS, worker, workers } = this.#options;
    const passed = ((elapsedMs + CLOCK_STEP_MS) * ratePerS) / MS_PER_S;
    const due = Math.floor((passed - worker) / workers) + 1;
    return Math.min(this.count, Math.max(0, due));
  }

  /** Returns the conversation of a message. Conversations take turns. */
  conversationOf(message: number): number {
    return message % this.#options.conversations;
  }

  /** Returns the participant whose turn it is in the conversation. */
  participantOf(message: number): number {
    return Math.floor(message / this.#options.conversations) % this.#options.groupSize;
  }
}

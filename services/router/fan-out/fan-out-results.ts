import type { FeedRecipient } from '../../../shared/contracts/feed.ts';
import type { UserId } from '../../../shared/ids.ts';

/**
 * Gathers what becomes of one event. A user is settled once all their devices have taken the event,
 * or their queues have it, or neither way has worked. The devices of a user may answer later than
 * that, because the first refusal sends the event to the queues.
 */
export class FanOutResults {
  /** Resolves with the users whom the event has missed, once all users are settled. */
  readonly settled: Promise<readonly UserId[]>;
  /** Resolves with what the devices took, once all devices have answered or 2 s have passed. */
  readonly answered: Promise<FeedRecipient[]>;
  readonly #missed: UserId[] = [];
  readonly #recipients: FeedRecipient[] = [];
  #unsettled: number;
  #unanswered: number;
  #endSettled: (missed: readonly UserId[]) => void = () => undefined;
  #endAnswered: (recipients: FeedRecipient[]) => void = () => undefined;

  constructor(users: number) {
    this.#unsettled = users;
    this.#unanswered = users;
    this.settled = new Promise((resolve) => {
      this.#endSettled = resolve;
    });
    this.answered = new Promise((resolve) => {
      this.#endAnswered = resolve;
    });
    if (users > 0) return;
    this.#endSettled(this.#missed);
    this.#endAnswered(this.#recipients);
  }

  settle(userId: UserId, isReached: boolean): void {
    if (!isReached) this.#missed.push(userId);
    this.#unsettled -= 1;
    if (this.#unsettled === 0) this.#endSettled(this.#missed);
  }

  /** Notes the devices that have taken the event. No other device of the user will. */
  answer(userId: UserId, taken: string[], isInUse: boolean): void {
    const recipient: FeedRecipient = { user_id: userId, taken };
    if (isInUse) recipient.in_use = true;
    this.#recipients.push(recipient);
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#endAnswered(this.#recipients);
  }
}

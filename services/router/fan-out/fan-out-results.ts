import type { FeedRecipient } from '../../../shared/contracts/feed.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Outcome } from './line-event.ts';

/**
 * Gathers what becomes of one event. A user is settled once each of their devices has taken the
 * event, or its queue has it, or neither way has worked. A device has answered once it has taken
 * the event or its queue is to have it.
 */
export class FanOutResults {
  /** Resolves with the users to whom the event is still owed, once all users are settled. */
  readonly settled: Promise<readonly UserId[]>;
  /** Resolves with what the devices took, once all devices have answered or 2 s have passed. */
  readonly answered: Promise<FeedRecipient[]>;
  readonly #userIds: readonly UserId[];
  readonly #isComplete: boolean;
  readonly #unreached: UserId[] = [];
  readonly #recipients: FeedRecipient[] = [];
  #unsettled: number;
  #unanswered: number;
  #endSettled: (owed: readonly UserId[]) => void = () => undefined;
  #endAnswered: (recipients: FeedRecipient[]) => void = () => undefined;

  /** The event may miss devices of each user where `isComplete` is false. */
  constructor(userIds: readonly UserId[], isComplete: boolean) {
    this.#userIds = userIds;
    this.#isComplete = isComplete;
    this.#unsettled = userIds.length;
    this.#unanswered = userIds.length;
    this.settled = new Promise((resolve) => {
      this.#endSettled = resolve;
    });
    this.answered = new Promise((resolve) => {
      this.#endAnswered = resolve;
    });
    this.#end();
  }

  /** The users who have a device that the event has reached neither way, so far. */
  get unreached(): readonly UserId[] {
    return this.#unreached;
  }

  /** Follows the event to this many devices of one of the users. */
  follow(userId: UserId, devices: number): Outcome {
    const recipient = new Recipient(userId, this, devices);
    recipient.perhapsDone();
    return recipient;
  }

  settle(userId: UserId, isReached: boolean): void {
    if (!isReached) this.#unreached.push(userId);
    this.#unsettled -= 1;
    this.#end();
  }

  answer(recipient: FeedRecipient): void {
    this.#recipients.push(recipient);
    this.#unanswered -= 1;
    this.#end();
  }

  #end(): void {
    if (this.#unsettled === 0) {
      this.#endSettled(this.#isComplete ? this.#unreached : this.#userIds);
    }
    if (this.#unanswered === 0) this.#endAnswered(this.#recipients);
  }
}

/** Counts the devices of one user. */
class Recipient implements Outcome {
  readonly #userId: UserId;
  readonly #results: FanOutResults;
  readonly #taken: string[] = [];
  #unsettled: number;
  #unanswered: number;
  #isInUse = false;
  #isMissed = false;

  constructor(userId: UserId, results: FanOutResults, devices: number) {
    this.#userId = userId;
    this.#results = results;
    this.#unsettled = devices;
    this.#unanswered = devices;
  }

  perhapsDone(): void {
    if (this.#unsettled > 0) return;
    this.#answered();
    this.#settled();
  }

  taken(deviceId: string, isInUse: boolean): void {
    this.#taken.push(deviceId);
    this.#isInUse ||= isInUse;
    this.declined();
    this.queued();
  }

  declined(): void {
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#answered();
  }

  queued(): void {
    this.#unsettled -= 1;
    if (this.#unsettled === 0) this.#settled();
  }

  missed(): void {
    this.#isMissed = true;
    this.queued();
  }

  #answered(): void {
    const recipient: FeedRecipient = { user_id: this.#userId, taken: this.#taken };
    if (this.#isInUse) recipient.in_use = true;
    this.#results.answer(recipient);
  }

  #settled(): void {
    this.#results.settle(this.#userId, !this.#isMissed);
  }
}

import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { UserSignal } from '../../../shared/contracts/events.ts';
import type { ConversationChanged, OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import type { Logger } from '../../../shared/process/logger.ts';

type Signal = { conversation_id: ConversationId; version: number };
type Changed = Pick<ConversationChanged, 'participants' | 'entries'>;
type Deps = {
  bus: Bus;
  /** Hears of the conversation's new version. Participants of older versions are out of date. */
  onVersion: (id: ConversationId, version: number) => void;
  logger: Logger;
};

/**
 * Tells the other routers when this router has changed participants, so that they tell receipts to
 * those who take part now. The signal is best effort, because a router that misses it trusts the
 * positions that it knows only for some seconds. The actors of other routers need no signal: the
 * answer to their next append says that they must load the participants again.
 */
export class MembershipSignals {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
    deps.bus.subscribe(subjects.membershipChanged, (msg) => this.#receive(msg));
  }

  /**
   * Tells the other routers, and the edges of users whom no event tells that somebody has left.
   * Call it once the change is committed.
   */
  publish(changed: Changed): void {
    const { conversation_id, version } = changed.participants;
    this.publishLeft({ conversation_id, version }, untold(changed));
  }

  /** Does the same for a change whose entries the router does not have. */
  publishLeft(signal: Signal, untoldIds: readonly UserId[]): void {
    const { bus } = this.#deps;
    bus.publish(subjects.membershipChanged, JSON.stringify(signal));
    const left: UserSignal = { kind: 'left' };
    for (const userId of untoldIds) bus.publish(subjects.user(userId), JSON.stringify(left));
  }

  /**
   * Does the same when a repair brings the event of somebody who left. The router that changed the
   * conversation may have died before it told anybody, or may never have heard that it did.
   */
  publishAgain(entry: OutboxEntry): void {
    if (entry.closes_membership !== true || entry.kind !== 'conversation') return;
    const { conversation_id, version = 0, records } = entry;
    const customers = Object.values(records).flatMap(customersOf);
    this.publishLeft({ conversation_id, version }, [...new Set(customers)]);
  }

  #receive(msg: Msg): void {
    const { onVersion, logger } = this.#deps;
    try {
      const { conversation_id: id, version } = parseJson(msg.data) as Signal;
      onVersion(id, version);
    } catch (error) {
      logger.error({ err: error }, 'signal not understood');
    }
  }
}

/** Returns those who still take part, if somebody has left and no event tells them so. */
function untold({ participants, entries }: Changed): UserId[] {
  if (!entries.some((entry) => entry.closes_membership === true)) return [];
  const told = new Set(entries.flatMap(({ user_ids }) => user_ids));
  return participants.user_ids.filter((userId) => !told.has(userId));
}

/** When an agent leaves, the customer may get no event. All others do who are left behind. */
function customersOf({ participants }: ConversationRecord): UserId[] {
  return participants.flatMap(({ user_id, role }) => (role === 'customer' ? [user_id] : []));
}

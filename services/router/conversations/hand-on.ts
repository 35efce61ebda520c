import type { ConversationToTell } from '../../../shared/contracts/outbox.ts';
import { deliveryOf } from '../fan-out/deliveries.ts';
import type { InHand, OwedFanOuts } from '../fan-out/owed-fan-outs.ts';

/**
 * Starts the fan-outs that a change of a conversation owes, in store's order: a user who joins
 * hears of the conversation before its messages. A user who left is told last. `inHand` is what the
 * router had in hand before it asked store for the change.
 */
export function handOn(
  fanOuts: Pick<OwedFanOuts, 'start' | 'startLast'>,
  { entries, owed_before: before }: ConversationToTell,
  inHand: InHand,
): void {
  for (const entry of entries) {
    const delivery = deliveryOf(entry);
    if (entry.closes_membership !== true) fanOuts.start(delivery);
    else fanOuts.startLast(delivery, { before, inHand });
  }
}

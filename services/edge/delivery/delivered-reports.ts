import type { DeliveredItem } from '../../../shared/contracts/positions.ts';
import { participantKey } from '../../../shared/ids.ts';
import { type ReportDeps, RouterReports } from './router-reports.ts';

/**
 * A position that is dropped beyond this is of a further user or conversation, and the next
 * acknowledgement raises it again.
 */
const HELD_MAX = 50_000;
/** Acknowledgements wait 40 ms before and the write ≤ 8 ms after, so the sum is ≤ 100 ms. */
const COALESCE_MS = 50;

export type DeliveredReports = RouterReports<DeliveredItem>;

/**
 * Tells the routers what users have had delivered: the highest `seq` per conversation and user. A
 * position is kept until a router has answered that it is safe; a repeated report raises nothing.
 */
export function createDeliveredReports(deps: ReportDeps): DeliveredReports {
  return new RouterReports(deps, {
    what: 'delivered',
    coalesceMs: COALESCE_MS,
    heldMax: HELD_MAX,
    keyOf: ([conversationId, userId]) => participantKey(conversationId, userId),
    isNewer: ([, , seq], [, , heldSeq]) => seq > heldSeq,
    send: (ask, instance, items) => ask(instance, { op: 'delivered', items }),
  });
}

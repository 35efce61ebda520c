import type { LateTake } from '../../../shared/contracts/router-ops.ts';
import { type ReportDeps, RouterReports } from './router-reports.ts';

/** Late takes are best effort, so those beyond this are dropped for good. */
const HELD_MAX = 20_000;
const COALESCE_MS = 80;

export type LateTakes = RouterReports<LateTake>;

/**
 * Tells the routers which events came late to a device: its client acknowledged them, but the
 * session had answered no offer of them with `taken`, or a router did not hear the answer. The
 * events came from the device's queue, or were left to it. While a session knows an event, it tells
 * of it once.
 *
 * A session that gets the queue's copy more than 60 s after it took the offer no longer knows the
 * event. It reports such an event as late, which costs its consumers nothing.
 */
export function createLateTakes(deps: ReportDeps): LateTakes {
  return new RouterReports(deps, {
    what: 'taken_late',
    coalesceMs: COALESCE_MS,
    heldMax: HELD_MAX,
    // Each item is told once, so no two are the same.
    keyOf: (item) => item,
    isNewer: () => false,
    send: (ask, instance, items) => ask(instance, { op: 'taken_late', items }),
  });
}

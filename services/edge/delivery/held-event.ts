import type { DurableEventHeader } from '../../../shared/contracts/events.ts';

/**
 * A held event is a durable event on its way to the socket; `q` is the number that the session gave
 * to it.
 */
export type HeldEvent = { q: number; header: DurableEventHeader; body: Uint8Array };

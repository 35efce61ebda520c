import type { InboxHeader } from '../../../shared/contracts/events.ts';

/** A durable event on its way to the socket; `q` is the number that the session gave to it. */
export type HeldEvent = { q: number; header: InboxHeader; body: Uint8Array };

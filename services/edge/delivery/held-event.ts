import type { InboxHeader } from '../../../shared/contracts/events.ts';

/** A held event is a durable event on its way to the socket. The session has numbered it `q`. */
export type HeldEvent = { q: number; header: InboxHeader; body: Uint8Array };

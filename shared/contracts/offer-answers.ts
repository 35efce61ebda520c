/**
 * An edge answers the offer of a router with one of these. A router of an earlier version reads
 * only the first byte, so `takenInUse` means `taken` to it, and edges and routers may be upgraded
 * in any order.
 */
export const OFFER_ANSWERS = {
  /** The client has acknowledged the event. */
  taken: '+',
  /** The client has acknowledged the event, and somebody was using the client. */
  takenInUse: '+*',
  /** The event is left to the device's queue. */
  queue: '-',
} as const;

type OfferAnswer = keyof typeof OFFER_ANSWERS;

const TAKEN = 0x2b;
const IN_USE = 0x2a;

/** Reads an answer, whatever follows it in the payload. An unknown answer means `queue`. */
export function readOfferAnswer(payload: Uint8Array): OfferAnswer {
  if (payload[0] !== TAKEN) return 'queue';
  return payload[1] === IN_USE ? 'takenInUse' : 'taken';
}

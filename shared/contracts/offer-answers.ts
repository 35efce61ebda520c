import { subjects } from './subjects.ts';

/** A router waits this long for the answer to an offer. */
export const OFFER_TIMEOUT_MS = 2_000;
/** A router waits this long for a queue to acknowledge an event. */
export const PUBLISH_TIMEOUT_MS = 2_000;
/**
 * An offer has this header while the last event that the router put into the device's queue is
 * young. Its value is the number that the stream gave that event. A session that has not had the
 * event from its queue refuses the offer.
 */
export const AFTER_HEADER = 'After';

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

const ANSWERS = subjects.answers('');
const TAKEN = 0x2b;
const IN_USE = 0x2a;

/** Reads an answer, whatever follows it in the payload. An unknown answer means `queue`. */
export function readOfferAnswer(payload: Uint8Array): OfferAnswer {
  if (payload[0] !== TAKEN) return 'queue';
  return payload[1] === IN_USE ? 'takenInUse' : 'taken';
}

/** Returns the instance of the router that waits for the answer on this reply subject. */
export function routerOfAsker(subject: string): string {
  return subject.slice(ANSWERS.length, subject.indexOf('.', ANSWERS.length));
}

import type { Ticket } from './order.ts';

/**
 * The client keeps the acknowledgements of one session. The server numbers its events `q` from 1
 * without a hole, and an `ack` means all up to its `q`. So an event that is done waits here for
 * those before it.
 */
export type Acknowledgements = {
  session: number;
  /** All events up to this `q` are done. */
  upToQ: number;
  /** These are done too, but one before them is not. The server lets 256 be open at most. */
  above: ReadonlySet<number>;
};

export function newSession(session: number): Acknowledgements {
  return { session, upToQ: 0, above: new Set() };
}

/**
 * Notes that an event is done. A ticket of another session changes nothing, because the server
 * sends its event again under a new number.
 */
export function withDone(acks: Acknowledgements, { session, q }: Ticket): Acknowledgements {
  if (session !== acks.session || q <= acks.upToQ) return acks;
  const above = new Set(acks.above).add(q);
  let { upToQ } = acks;
  while (above.delete(upToQ + 1)) upToQ += 1;
  return { session, upToQ, above };
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../session/session.ts';

/** A socket has drained once no more than this is left to write. */
const BUFFERED_BYTES_LOW = 128 * 1024;
const POLL_MS = 50;

type Wait = {
  /** The wait ends early once this returns false. */
  isCurrent: () => boolean;
  timeoutMs: number;
};

/**
 * Resolves to true once the socket has little left to write, or to false where it has not in time.
 */
export async function hasDrained(session: Session, { isCurrent, timeoutMs }: Wait) {
  for (let waitedMs = 0; waitedMs < timeoutMs && isCurrent(); waitedMs += POLL_MS) {
    if ((session.socket?.getBufferedAmount() ?? 0) <= BUFFERED_BYTES_LOW) return true;
    await delay(POLL_MS);
  }
  return false;
}

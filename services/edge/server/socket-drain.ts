import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../session/session.ts';

/** What a socket may have left to write before it is given more of much. */
const BUFFERED_BYTES_LOW = 128 * 1024;
const POLL_MS = 50;

type Wait = {
  /** Whether there is still a reason to wait. */
  isCurrent: () => boolean;
  timeoutMs: number;
};

/** True once the socket has little left to write; false where it has not in time. */
export async function hasDrained(session: Session, { isCurrent, timeoutMs }: Wait) {
  for (let waitedMs = 0; waitedMs < timeoutMs && isCurrent(); waitedMs += POLL_MS) {
    if ((session.socket?.getBufferedAmount() ?? 0) <= BUFFERED_BYTES_LOW) return true;
    await delay(POLL_MS);
  }
  return false;
}

import type { Session } from './session.ts';

/**
 * Knows how many bytes wait in the sockets of slow readers, over all sessions. A socket is noted
 * when something had to wait in it, and nobody tells when its reader has caught up. So the sum may
 * be too high, and `measure` makes it right before anything is done because of it.
 */
export class ReaderBacklogs {
  readonly #bytesOf = new Map<Session, number>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Tells whether something had to wait in the session's socket. */
  has(session: Session): boolean {
    return this.#bytesOf.has(session);
  }

  /** So many bytes wait in the socket of the session now. */
  note(session: Session, bytes: number): void {
    this.#bytes += bytes - (this.#bytesOf.get(session) ?? 0);
    if (bytes > 0) this.#bytesOf.set(session, bytes);
    else this.#bytesOf.delete(session);
  }

  /** Looks at all sockets that are noted. */
  measure(): void {
    for (const session of [...this.#bytesOf.keys()]) {
      this.note(session, session.socket?.getBufferedAmount() ?? 0);
    }
  }

  /** Returns sessions in whose sockets together more than `excess` bytes wait, the most first. */
  largest(excess: number): Session[] {
    const found: Session[] = [];
    let bytes = 0;
    for (const [session, waiting] of [...this.#bytesOf].sort(byBytes)) {
      if (bytes > excess) break;
      bytes += waiting;
      found.push(session);
    }
    return found;
  }
}

function byBytes([, one]: [Session, number], [, other]: [Session, number]): number {
  return other - one;
}

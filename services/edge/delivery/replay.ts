import { Gate } from '../../../shared/concurrency/gate.ts';
import type { UndeliveredPage } from '../../../shared/contracts/messages.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { NameSystemMessages } from '../names/system-names.ts';
import { hasDrained } from '../server/socket-drain.ts';
import { replayEndFrame, replayedFrame } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';

type Deps = { store: AskStore; hub: Hub; nameSystemMessages: NameSystemMessages; logger: Logger };

/** At most this many replays ask store at once. All else that store can do is for users at work. */
const CONCURRENCY_MAX = 16;
const WAITING_MAX = 20_000;
/**
 * The next page waits this long until the socket has little left to write. Then the replay ends.
 */
const DRAIN_MS = 30_000;

/**
 * Replays the undelivered messages to a session whose queue is new: message events without `q`,
 * oldest first, then `replay_end`. Every failure ends in `complete: false`, because the client can
 * ask for history.
 */
export class Replay {
  readonly #deps: Deps;
  readonly #gate = new Gate({ concurrencyMax: CONCURRENCY_MAX, waitingMax: WAITING_MAX });

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async run(session: Session, userId: UserId): Promise<void> {
    const { epoch } = session;
    const isCurrent = (): boolean => session.state === 'open' && session.epoch === epoch;
    let isComplete = false;
    try {
      isComplete = await this.#gate.run(() => this.#send(session, userId, isCurrent));
    } catch (error) {
      const level = KahaError.from(error).code === 'INTERNAL' ? 'error' : 'debug';
      this.#deps.logger[level]({ err: error }, 'replay cut short');
    }
    if (!isCurrent()) return;
    this.#deps.hub.send(session, 'replay_end', replayEndFrame(isComplete));
  }

  /** Returns true if all undelivered messages were sent. */
  async #send(session: Session, userId: UserId, isCurrent: () => boolean): Promise<boolean> {
    const { store, hub, nameSystemMessages } = this.#deps;
    let sent = 0;
    let cursor: string | null = null;
    do {
      if (!isCurrent()) return false;
      const body = cursor === null ? { user_id: userId } : { user_id: userId, cursor };
      const page: UndeliveredPage = await store('messages.undelivered', body);
      await nameSystemMessages(page.messages);
      if (!isCurrent()) return false;
      for (const message of page.messages) hub.send(session, 'message', replayedFrame(message));
      sent += page.messages.length;
      cursor = page.next_cursor;
      if (cursor === null) return page.complete;
      if (sent >= LIMITS.replayMessagesMax || page.messages.length === 0) return false;
    } while (await hasDrained(session, { isCurrent, timeoutMs: DRAIN_MS }));
    return false;
  }
}

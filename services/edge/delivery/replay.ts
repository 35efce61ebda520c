import { Gate } from '../../../shared/concurrency/gate.ts';
import type { UndeliveredPage } from '../../../shared/contracts/messages.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { NameSystemMessages } from '../names/system-names.ts';
import { hasDrained } from '../server/socket-drain.ts';
import { replayedFrame } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { DeviceStream } from './device-stream.ts';
import type { Resync } from './resync.ts';
import type { Numbered } from './stream-parts.ts';

type Deps = { store: AskStore; hub: Hub; nameSystemMessages: NameSystemMessages; logger: Logger };

/** At most this many replays ask store at once. All else that store can do is for users at work. */
const CONCURRENCY_MAX = 16;
const WAITING_MAX = 20_000;
/**
 * The next page waits this long until the socket has little left to write. Then the replay ends.
 */
const DRAIN_MS = 30_000;

const encoder = new TextEncoder();
const endOf = (complete: boolean): Numbered => {
  const body = encoder.encode(JSON.stringify({ type: 'replay_end', complete }));
  return { type: 'replay_end', isNameless: false, body };
};
const COMPLETE = endOf(true);
const CUT = endOf(false);

type Stream = DeviceStream<Session>;

/**
 * Replays the undelivered messages to a session that resyncs: message events without `q`,
 * oldest first, then `replay_end`, which has a `q`. Every failure ends in `complete: false`,
 * because the client can ask for history.
 */
export class Replay {
  readonly #deps: Deps;
  readonly #gate = new Gate({ concurrencyMax: CONCURRENCY_MAX, waitingMax: WAITING_MAX });

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async run(stream: Stream, resync: Resync): Promise<void> {
    let isComplete = false;
    try {
      isComplete = await this.#gate.run(() => this.#send(stream, resync));
    } catch (error) {
      const level = KahaError.from(error).code === 'INTERNAL' ? 'error' : 'debug';
      this.#deps.logger[level]({ err: error }, 'replay cut short');
    }
    stream.endReplay(resync, isComplete ? COMPLETE : CUT);
  }

  /** Returns true if all undelivered messages were sent. */
  async #send(stream: Stream, resync: Resync): Promise<boolean> {
    const { store, hub, nameSystemMessages } = this.#deps;
    const { owner: session, userId } = stream;
    const isCurrent = (): boolean => stream.isInResync(resync);
    let sent = 0;
    let cursor: string | null = null;
    do {
      if (!isCurrent()) return false;
      const body = cursor === null ? { user_id: userId } : { user_id: userId, cursor };
      const page: UndeliveredPage = await store('messages.undelivered', body);
      await nameSystemMessages(page.messages, { userId });
      if (!isCurrent()) return false;
      for (const message of page.messages) {
        hub.send(session, 'message', replayedFrame(message));
        resync.add(message.conversation_id, message.seq);
      }
      sent += page.messages.length;
      cursor = page.next_cursor;
      if (cursor === null) return page.complete;
      if (sent >= LIMITS.replayMessagesMax || page.messages.length === 0) return false;
    } while (await hasDrained(session, { isCurrent, timeoutMs: DRAIN_MS }));
    return false;
  }
}

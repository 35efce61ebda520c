import { backoffMs } from '../connection/backoff.ts';
import type { OutboxChange } from '../engine/line.ts';
import { ChatError } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { Request } from '../protocol/frames.ts';
import type { MessageSent } from '../protocol/shapes.ts';
import { type Entry, failed, frameOf, withoutError } from './entry.ts';
import type { KeptEntries } from './kept-entries.ts';
import { createPause } from './pause.ts';

type Deps = {
  entries: KeptEntries;
  platform: Platform;
  /** Sends a frame, and resolves with the data of its answer. */
  ask: (request: Request) => Promise<unknown>;
  onChange: (change: OutboxChange) => void;
};

type Outbox = {
  /** Takes a message. One that is here is not taken twice, and one without room has failed. */
  add(entry: Entry): void;
  /** Sends a failed message again, behind all others of its conversation. */
  retry(clientMsgId: string): void;
  /** Takes a message out. One that is on its way may reach the server all the same. */
  discard(clientMsgId: string): void;
  /** A session has begun, or ended. */
  setOnline(isOnline: boolean): void;
};

/** So many conversations send at once, each one message. */
const SENDING_MAX = 8;

/**
 * Sends messages, each until the server has it. In a conversation one is sent at a time, and none
 * before those that were written earlier. A message that the server refuses fails alone. A message
 * is in the storage before it is first sent, and until its acknowledgement is here, so that it
 * survives the end of the page; the server recognises one that it has already.
 */
export function createOutbox({ entries, platform, ask, onChange }: Deps): Outbox {
  /** These conversations send, and these messages are being stored. */
  const busy = new Set<string>();
  let isOnline = false;
  let attempts = 0;

  const pump = (): void => {
    const seen = new Set<string>();
    for (const entry of entries.list()) {
      const { conversation_id: id, client_msg_id: message } = entry;
      if (entry.error || seen.has(id)) continue;
      seen.add(id);
      const isFree = isOnline && !pause.isOn() && busy.size < SENDING_MAX;
      if (isFree && !busy.has(id) && !busy.has(message)) void work(id, () => send(entry));
    }
  };
  const work = async (key: string, run: () => Promise<void>): Promise<void> => {
    busy.add(key);
    await run();
    busy.delete(key);
    pump();
  };
  /** A refusal fails the message. What may pass stops the whole outbox for a while. */
  const send = async (entry: Entry): Promise<void> => {
    try {
      const sent = (await ask(frameOf(entry))) as MessageSent;
      attempts = 0;
      await entries.remove({ change: 'sent', entry, sent });
    } catch (thrown) {
      const error = ChatError.from(thrown);
      if (error.isRetryable) {
        pause.begin(error.retryAfterMs ?? backoffMs(attempts, platform.random()));
        attempts += 1;
      } else if (entries.find(entry.client_msg_id)) {
        await entries.put(failed(entry, error), 'failed');
      }
    }
  };
  const pause = createPause(platform, pump);
  const put = (entry: Entry, change: OutboxChange['change']): void =>
    void work(entry.client_msg_id, () => entries.put({ ...entry, place: 0 }, change));
  return {
    add(entry) {
      if (entries.find(entry.client_msg_id)) return;
      if (entries.hasRoom(entry)) put(entry, entry.error ? 'failed' : 'added');
      else {
        const error = new ChatError('OUTBOX_FULL', 'The outbox is full');
        onChange({ change: 'failed', entry: failed(entry, error) });
      }
    },
    retry(id) {
      const entry = entries.find(id);
      if (entry?.error) put(withoutError(entry), 'retried');
    },
    discard(id) {
      const entry = entries.find(id);
      if (entry) void entries.remove({ change: 'discarded', entry });
    },
    setOnline(isNow) {
      isOnline = isNow;
      attempts = 0;
      pause.end();
    },
  };
}

import type { Line, OutboxChange } from '../engine/line.ts';
import { ChatError, type ChatErrorCode } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { MessageSent } from '../protocol/shapes.ts';
import type { ShownMessage } from '../timeline/shown-message.ts';
import { draftProblem } from './draft-problem.ts';
import { type Draft, type Entry, echoOf, failed, withoutError } from './entry.ts';

type Deps = {
  platform: Platform;
  line: () => Line | undefined;
  userId: () => string | undefined;
  /** The application and what is shown hear of a change. */
  onChange: (change: OutboxChange) => void;
};

/** The outbox tells of an acknowledgement with this. */
type Sent = Omit<MessageSent, 'duplicate'>;

/** `send` returns this. */
export type Sending = {
  /** The message as it is shown from now on. */
  message: ShownMessage;
  /** Resolves once the server has the message, and rejects if it never will. */
  acknowledged: Promise<Sent>;
};

/** The messages that the server does not have yet. All tabs know them. */
export type OutboxApi = {
  /** The messages that wait or have failed, in the order in which they were written. */
  list(): readonly Entry[];
  /** Sends a failed message again, behind the others of its conversation. */
  retry(clientMsgId: string): void;
  /** Takes a message out. One that is on its way may reach the server all the same. */
  discard(clientMsgId: string): void;
};

type Sends = OutboxApi & {
  send(draft: Draft): Sending;
  /** Takes a change that the outbox tells of, here or in another tab. */
  take(change: OutboxChange): void;
  clear(): void;
};

/** Hands messages to the outbox, and knows in each tab what it holds. */
export function createSends({ platform, line, userId, onChange }: Deps): Sends {
  const unsent = new Map<string, Entry>();
  const waiting = new Map<string, (change: OutboxChange) => void>();

  /** A change that began here comes back from the outbox, and is told once. */
  const take = (change: OutboxChange): void => {
    const { entry } = change;
    const { client_msg_id: id } = entry;
    const known = unsent.get(id);
    const isOver = change.change === 'sent' || change.change === 'discarded';
    const isSame = known && known.error?.code === entry.error?.code;
    if (isOver ? !known : isSame) return;
    if (isOver) unsent.delete(id);
    else unsent.set(id, entry);
    if (isOver || entry.error) {
      waiting.get(id)?.(change);
      waiting.delete(id);
    }
    onChange(change);
  };
  return {
    list: () => [...unsent.values()].sort((a, b) => a.written_at.localeCompare(b.written_at)),
    send(draft) {
      const written_at = new Date(platform.now()).toISOString();
      const written: Entry = { ...draft, client_msg_id: platform.uuid(), written_at, place: 0 };
      const problem = draftProblem(draft);
      const entry =
        problem === undefined
          ? written
          : failed(written, new ChatError('INVALID_REQUEST', problem));
      const acknowledged = new Promise<Sent>((resolve, reject) => {
        waiting.set(entry.client_msg_id, ({ sent, entry: { error } }) => {
          if (sent) resolve(sent);
          else
            reject(
              new ChatError((error?.code ?? 'DISCARDED') as ChatErrorCode, `${error?.message}`),
            );
        });
      });
      // An application may look at the events alone.
      acknowledged.catch((error: unknown) => void error);
      take({ change: entry.error ? 'failed' : 'added', entry });
      if (!entry.error) line()?.add(entry);
      return { message: echoOf(entry, userId() ?? ''), acknowledged };
    },
    retry(id) {
      const entry = unsent.get(id);
      if (!entry?.error) return;
      take({ change: 'retried', entry: withoutError(entry) });
      line()?.retry(id);
      // The outbox does not have a message that it refused.
      line()?.add(withoutError(entry));
    },
    discard(id) {
      const entry = unsent.get(id);
      if (!entry) return;
      line()?.discard(id);
      take({ change: 'discarded', entry });
    },
    take,
    clear() {
      for (const entry of unsent.values()) take({ change: 'discarded', entry });
    },
  };
}

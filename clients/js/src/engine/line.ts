import type { LinkInput } from '../connection/link-state.ts';
import type { Entry } from '../outbox/entry.ts';
import type { ServerFrame } from '../protocol/events.ts';
import type { Request, WatchKey } from '../protocol/frames.ts';
import type { MessageSent } from '../protocol/shapes.ts';

/** An unsent message has changed: `sent` has the acknowledgement, and `entry.error` the failure. */
export type OutboxChange = {
  change: 'added' | 'retried' | 'sent' | 'failed' | 'discarded';
  entry: Entry;
  sent?: Omit<MessageSent, 'duplicate'>;
};

/** All tabs get these, in this order, from the one that has the socket. */
export type LineEvent =
  | ServerFrame
  /** A session has begun. */
  | { type: 'session'; user_id: string }
  | ({ type: 'outbox' } & OutboxChange);

/** A tab reaches the server by this: by its own socket, or by the tab that has one. */
export type Line = {
  /** Rejects with `DISCONNECTED` if there is no session, or it ends. */
  ask(request: Request): Promise<unknown>;
  /** Sends what needs no answer, or drops it if there is no session. */
  tell(request: Request): void;
  /** Puts a message into the outbox. An `outbox` event tells how it went. */
  add(entry: Entry): void;
  retry(clientMsgId: string): void;
  discard(clientMsgId: string): void;
  /** Watches these, and nothing else any more. */
  watch(keys: readonly WatchKey[], tab?: string): void;
  /** The link to the server is to connect, or to see whether it is alive. */
  take(input: LinkInput & { is: 'connect' | 'woken' | 'tick' }): void;
  close(): void;
};

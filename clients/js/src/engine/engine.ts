import { createConnection } from '../connection/connection.ts';
import type { LinkState } from '../connection/link-state.ts';
import type { Tokens } from '../connection/tokens.ts';
import type { Entry } from '../outbox/entry.ts';
import { createKeptEntries } from '../outbox/kept-entries.ts';
import { createOutbox } from '../outbox/outbox.ts';
import type { Platform } from '../platform/platform.ts';
import type { ServerFrame } from '../protocol/events.ts';
import type { Request } from '../protocol/frames.ts';
import { createRequests } from '../requests/requests.ts';
import type { ChatStorage } from '../storage/storage.ts';
import { newSession, withDone } from '../timeline/acknowledgements.ts';
import type { Ticket } from '../timeline/order.ts';
import type { Line, LineEvent } from './line.ts';
import { createWatches } from './watches.ts';

type Deps = {
  url: string;
  /** Only a session of this user is accepted. Undefined means any. */
  userId: string | undefined;
  deviceId: string;
  tokens: Tokens;
  platform: Platform;
  storage: ChatStorage;
  /** The keys of the outbox begin so. */
  prefix: string;
  /** A ticket is done once the application has the event. */
  onEvent: (event: LineEvent, ticket?: Ticket) => void;
  onState: (state: LinkState) => void;
};

export type Engine = Line & {
  state(): LinkState;
  entries(): readonly Entry[];
  /** Reads the outbox. `unsent` are entries that this tab knows, in case the storage lost them. */
  load(unsent: readonly Entry[]): Promise<void>;
  /** The application has the event of this ticket. */
  done(ticket: Ticket): void;
};

/**
 * The engine has the socket and the outbox. One tab of a browser runs it for all of them. It
 * acknowledges an event once the application has it.
 */
export function createEngine(deps: Deps): Engine {
  const { userId, platform, storage, prefix, onEvent, onState } = deps;
  let acks = newSession(0);
  let acknowledgedQ = 0;

  const connection = createConnection({
    ...deps,
    accepts: ({ user_id: id }) => (userId ?? id) === id,
    onFrame: (frame) => receive(frame),
    onSession({ user_id }) {
      acks = newSession(acks.session + 1);
      acknowledgedQ = 0;
      onEvent({ type: 'session', user_id });
      setOnline(true);
    },
    onState(state) {
      if (state.at !== 'open') {
        requests.fail();
        setOnline(false);
      }
      onState(state);
    },
  });
  const requests = createRequests({ platform, send: (frame) => connection.send(frame) });
  const ask = (request: Request): Promise<unknown> => requests.ask(request);
  const onChange = (change: object): void => onEvent({ type: 'outbox', ...change } as LineEvent);
  const entries = createKeptEntries({ storage, prefix, onChange });
  const outbox = createOutbox({ entries, platform, ask, onChange });
  const watches = createWatches({ ask, onAnswer: onEvent });
  const setOnline = (isOnline: boolean): void => {
    watches.setOnline(isOnline);
    outbox.setOnline(isOnline);
  };
  const receive = (frame: ServerFrame & { q?: number }): void => {
    if ((frame.type === 'reply' || frame.type === 'error') && requests.take(frame)) return;
    onEvent(frame, frame.q ? { session: acks.session, q: frame.q } : undefined);
  };
  /** A timer would be slowed down in a hidden tab, and the server waits for 60 s only. */
  const flush = async (): Promise<void> => {
    await undefined;
    const q = acks.upToQ;
    if (q > acknowledgedQ && connection.send({ type: 'ack', q })) acknowledgedQ = q;
  };
  return {
    state: connection.state,
    entries: entries.list,
    async load(unsent) {
      await entries.load();
      for (const entry of unsent) outbox.add(entry);
    },
    done(ticket) {
      const before = acks;
      acks = withDone(acks, ticket);
      if (acks.upToQ > before.upToQ) void flush();
    },
    ask,
    tell: (request) => void connection.send(request),
    add: outbox.add,
    retry: outbox.retry,
    discard: outbox.discard,
    watch: (keys, tab = '') => watches.set(tab, keys),
    take: connection.take,
    close: () => connection.take({ is: 'disconnect' }),
  };
}

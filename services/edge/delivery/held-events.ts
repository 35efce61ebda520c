import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import { frameWithQ, type LiveBytes } from '../../../shared/contracts/events.ts';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import type {
  DurableEvents,
  NamelessBodies,
  NamesShown,
} from '../../../shared/durable-events/durable-event.ts';
import { DURABLE_EVENTS } from '../../../shared/durable-events/durable-events.ts';
import { CLOSE } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import { heapShare } from '../../../shared/process/heap-share.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { type LookUpNames, type OweNames, viewOf } from '../names/conversation-view.ts';
import type { Names } from '../names/profile-names.ts';
import { withNames } from '../names/system-names.ts';
import { hasDrained } from '../server/socket-drain.ts';
import type { Hub, UserSockets } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { DeviceStream } from './device-stream.ts';
import { HeldBytes } from './held-bytes.ts';
import type { HeldEvent } from './stream-parts.ts';

/** An event before an edge has put names in, and the manner in which it shows people. */
type NamelessOf<Names extends NamesShown> = { names: Names; event: NamelessBodies[Names] };
type Nameless = { [Names in NamesShown]: NamelessOf<Names> }[NamesShown];
/** An event shows the people of these, so their names are looked up. */
type Showing = { records: ConversationRecord[]; messages: MessageRecord[] };
type Naming<Body> = {
  collect(event: Body, showing: Showing): void;
  /** Returns the event as its client gets it. */
  shown(event: Body, viewer: UserId, names: Names): object;
};
type Frame = string | Uint8Array;
type Stream = DeviceStream<Session>;

type Deps = {
  /** The look-up takes ≤ 1 s and never rejects; a person who is not found by then is unknown. */
  lookUpNames: LookUpNames;
  oweNames: OweNames;
  hub: Hub;
  logger: Logger;
  events?: DurableEvents | undefined;
  bytesMax?: typeof BYTES_MAX;
};

/** This table says of each manner of showing people whose names an event shows, and where. */
const NAMINGS: { [Names in NamesShown]: Naming<NamelessBodies[Names]> } = {
  message: {
    collect: (event, { messages }) => void messages.push(event),
    shown: (event, _viewer, names) => withNames(event, names),
  },
  nobody: { collect: () => undefined, shown: (event) => event },
  conversation: {
    collect: ({ conversation }, { records }) => void records.push(conversation),
    shown: (event, viewer, names) => {
      return { ...event, conversation: viewOf(event.conversation, viewer, names) };
    },
  },
};

const NOBODY: Names = { users: new Map(), businesses: new Map() };
/** Events that waited are written in parts of this size. */
const PART_BYTES = 256 * 1024;
/**
 * The events of all sessions that wait for names may have so many bytes together, and so may those
 * that wait for readers. From the half of `names` on, nobody waits for names, and people are
 * unknown. Beyond it, the session of a further event is closed as a slow reader. Beyond `reader`,
 * the sessions for which the most waits are closed so. Their queues keep the events.
 */
const BYTES_MAX = {
  names: heapShare(1 / 8, 64 * 1024 ** 2),
  reader: heapShare(1 / 8, 128 * 1024 ** 2),
};

/**
 * Holds the events of a session that cannot be sent yet, and all events behind them, so order is
 * kept. A session holds at most the events that it may have unacknowledged: 128 live ones, or 256
 * of the queue.
 *
 * - An event that shows people waits for names. No queue holds names: the event comes with ids, and
 *   gets the names here that people have now. Events that wait together share one request, so an
 *   event waits for two requests at most.
 * - An event waits for its reader while much is left to write to the socket. 256 of the largest
 *   events are 9 MB, and come from a queue faster than a phone can read. A reader that reads no
 *   more acknowledges nothing either, and is closed for that.
 */
export class HeldEvents {
  readonly #deps: Deps;
  readonly #events: DurableEvents;
  readonly #bytesMax: typeof BYTES_MAX;
  readonly #bytes = new HeldBytes<HeldEvent[], Stream>();
  /** Each of these ends one look-up, which then knows nobody. */
  readonly #lookingUp = new Set<() => void>();

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#events = deps.events ?? DURABLE_EVENTS;
    this.#bytesMax = deps.bytesMax ?? BYTES_MAX;
  }

  /** Counts the bytes of the events that wait. */
  get bytes(): number {
    return this.#bytes.all;
  }

  /** Sends the event once all events that the stream holds before it are sent. */
  hold(stream: Stream, event: HeldEvent): void {
    const bytes = this.#bytes;
    const held = stream.held ?? [];
    held.push(event);
    bytes.add(held, stream, event.body.length);
    if (stream.held === undefined) {
      stream.held = held;
      void this.#release(stream, held);
    }
    if (this.#isMuch) for (const end of this.#lookingUp) end();
    // Nobody may close a session while its stream takes an event.
    if (bytes.sum('reader') > this.#bytesMax.reader) setImmediate(() => this.#relieve());
    if (bytes.waitsFor(held) === 'names' && bytes.sum('names') > this.#bytesMax.names) {
      setImmediate(() => this.#deps.hub.close(stream.owner, CLOSE.SLOW_READER));
    }
  }

  /** Sends a live copy to every open socket of the user; this is best effort. */
  async forward(user: UserSockets, { type, body }: LiveBytes): Promise<void> {
    const event = this.#read(body, user.userId);
    if (event === undefined) return;
    const names = await this.#namesFor([event], user.userId);
    const frame = JSON.stringify(shown(event, user.userId, names));
    // The loop needs a copy of the list: sending may close a session, and closing changes the list.
    for (const session of [...user.sessions]) {
      if (session.state === 'open') this.#deps.hub.send(session, type, frame);
    }
  }

  /** Sends until nothing is held. A stream that lets go of its queue takes `held` away. */
  async #release(stream: Stream, held: HeldEvent[]): Promise<void> {
    const isCurrent = (): boolean => stream.held === held;
    while (held.length > 0) {
      if (this.#deps.hub.isBehind(stream.owner)) await this.#reader(stream, held);
      const part = partOf(held);
      const frames = isCurrent() ? await this.#framesOf(part, stream.userId) : [];
      if (!isCurrent()) break;
      for (const frame of frames) this.#send(stream, held, frame);
    }
    this.#bytes.drop(held);
    if (isCurrent()) stream.held = undefined;
  }

  /** Resolves once the socket has little left to write, or the stream holds `held` no more. */
  async #reader(stream: Stream, held: HeldEvent[]): Promise<void> {
    const isCurrent = (): boolean => stream.held === held;
    this.#bytes.turnTo(held, 'reader');
    // What was sent in this turn is written at its end.
    await nextTurn();
    await hasDrained(stream.owner, { isCurrent, timeoutMs: Number.POSITIVE_INFINITY });
    this.#bytes.turnTo(held, 'names');
  }

  get #isMuch(): boolean {
    return this.#bytes.sum('names') > this.#bytesMax.names / 2;
  }

  /** Closes the sessions for whose readers the most waits. */
  #relieve(): void {
    while (this.#bytes.sum('reader') > this.#bytesMax.reader) {
      const stream = this.#bytes.dropLongest();
      if (stream === undefined) return;
      this.#deps.hub.close(stream.owner, CLOSE.SLOW_READER);
    }
  }

  /** Sends the frame that was made from the first event of `held`. */
  #send(stream: Stream, held: HeldEvent[], frame: Frame | undefined): void {
    const event = held.shift();
    if (event === undefined) return;
    this.#bytes.take(held, event.body.length);
    if (frame !== undefined) this.#deps.hub.sendSoon(stream.owner, event.type, frame);
  }

  async #framesOf(batch: readonly HeldEvent[], viewer: UserId): Promise<(Frame | undefined)[]> {
    const events = batch.map(({ isNameless, body }) =>
      isNameless ? this.#read(body, viewer) : undefined,
    );
    const isNamed = events.every((event) => event === undefined);
    const names = isNamed ? NOBODY : await this.#namesFor(events, viewer);
    return batch.map(({ q, isNameless, body }, index) => {
      if (!isNameless) return frameWithQ(body, q);
      const event = events[index];
      return event && JSON.stringify({ q, ...shown(event, viewer, names) });
    });
  }

  /**
   * Reads an event that a router made. A broken event must not keep the others from their client.
   */
  #read(body: Uint8Array, viewer: UserId): Nameless | undefined {
    try {
      const event = parseJson(body) as { type: string };
      const names = this.#events[event.type]?.names;
      if (names === undefined) throw new Error(`unknown kind of durable event: ${event.type}`);
      const nameless = { names, event } as Nameless;
      // An event of a shape that makes no frame throws here, not later.
      shown(nameless, viewer, NOBODY);
      return nameless;
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'an event cannot be read');
      return undefined;
    }
  }

  #namesFor(events: readonly (Nameless | undefined)[], viewer: UserId): Promise<Names> {
    const showing: Showing = { records: [], messages: [] };
    for (const event of events) if (event !== undefined) collect(event, showing);
    return this.#lookUp(showing, viewer);
  }

  /** Nobody is known where too much waits, or comes to wait meanwhile; the viewer is told later. */
  #lookUp(showing: Showing, viewer: UserId): Promise<Names> {
    const asked = { ...showing, viewers: [viewer] };
    return new Promise((resolve) => {
      const end = (names: Names): void => {
        this.#lookingUp.delete(endEarly);
        resolve(names);
      };
      const endEarly = (): void => {
        this.#deps.oweNames(asked);
        end(NOBODY);
      };
      if (this.#isMuch) return endEarly();
      this.#lookingUp.add(endEarly);
      void this.#deps.lookUpNames(asked).then(end);
    });
  }
}

/** Returns the first events, which are written together. */
function partOf(held: readonly HeldEvent[]): HeldEvent[] {
  let bytes = 0;
  const end = held.findIndex(({ body }) => {
    bytes += body.length;
    return bytes > PART_BYTES;
  });
  return held.slice(0, end === -1 ? held.length : Math.max(1, end));
}

function collect<Shown extends NamesShown>(
  { names, event }: NamelessOf<Shown>,
  showing: Showing,
): void {
  NAMINGS[names].collect(event, showing);
}

function shown<Shown extends NamesShown>(
  { names: manner, event }: NamelessOf<Shown>,
  viewer: UserId,
  names: Names,
): object {
  return NAMINGS[manner].shown(event, viewer, names);
}

import type { MessageUpdate } from '../protocol/events.ts';
import type { Message } from '../protocol/shapes.ts';
import { highest, includes, type Ranges, withValue } from './ranges.ts';

/** A ticket stands for one event that is to be acknowledged. */
export type Ticket = { session: number; q: number };

/**
 * The order of one conversation: it decides which of the events that come, in any order and any
 * number of times, the application is told, and when. The application is told each message once
 * and in the order of `seq`, from the first contact with the conversation on, and each version of
 * a message once.
 */
export type Order = {
  /**
   * The application was told every message below this `seq` that there is, from the first contact
   * on. It is undefined before that contact.
   */
  next: number | undefined;
  /** A message of this `seq` exists, or existed. */
  last: number;
  /** The application was told exactly these. */
  told: Ranges;
  /** The versions above 1 that the application was told, by `seq`. */
  versions: ReadonlyMap<number, number>;
  /** These have come, and wait for a message below them. */
  held: ReadonlyMap<number, Held>;
};

/** This has come of one message that must wait. Its body may be forgotten: history has it. */
type Held = { message?: Message; update?: MessageUpdate; tickets: readonly Ticket[] };

export type OrderInput =
  | { is: 'message'; message: Message; ticket?: Ticket | undefined }
  | { is: 'update'; update: MessageUpdate; ticket?: Ticket | undefined }
  /** The conversation has come to this `seq`, as a list or an event tells. */
  | { is: 'known'; lastSeq: number }
  /** History answered what there is above `afterSeq`, up to `upToSeq` or to the page's end. */
  | { is: 'filled'; gap: Gap; messages: readonly Message[]; hasMore: boolean }
  /** History will never answer, for example because the user was removed. */
  | { is: 'unfillable' };

/** The application is told these in their order, and a ticket is done once it has heard. */
export type OrderEffect =
  | {
      tell: 'message';
      message: Message;
      /** A later message was told before. */
      isLate: boolean;
      tickets: readonly Ticket[];
    }
  | { tell: 'update'; update: MessageUpdate; tickets: readonly Ticket[] }
  /** The application knows already, so it is told nothing. */
  | { tell: 'nothing'; seq: number; tickets: readonly Ticket[] };

/** These messages are missing: those above `afterSeq`, up to `upToSeq`. */
export type Gap = { afterSeq: number; upToSeq: number };

type Ordered = { order: Order; effects: readonly OrderEffect[] };

/** More bodies than these are not held back for one conversation. History fills in the others. */
const BODIES_MAX = 512;
/** The versions of so many changed messages are kept. The oldest messages are forgotten first. */
const VERSIONS_MAX = 512;
/** Only a long series of losses makes so many ranges. The lowest is forgotten first. */
const RANGES_MAX = 64;

export const UNKNOWN_ORDER: Order = {
  next: undefined,
  last: 0,
  told: [],
  versions: new Map(),
  held: new Map(),
};

export function takeInput(order: Order, input: OrderInput): Ordered {
  const work = new Work(order);
  switch (input.is) {
    case 'message':
      work.message(input.message, ticketsOf(input.ticket));
      break;
    case 'update':
      work.update(input.update, ticketsOf(input.ticket));
      break;
    case 'known':
      work.known(input.lastSeq);
      break;
    case 'filled':
      work.fill(input.gap, input.messages, input.hasMore);
      break;
    case 'unfillable':
      work.fill({ afterSeq: 0, upToSeq: order.last }, [], false);
      break;
  }
  return work.end();
}

/** Returns what history must fill in, or undefined if nothing is missing. */
export function gapOf({ next, last }: Order): Gap | undefined {
  return next !== undefined && last >= next ? { afterSeq: next - 1, upToSeq: last } : undefined;
}

function ticketsOf(ticket: Ticket | undefined): readonly Ticket[] {
  return ticket === undefined ? [] : [ticket];
}

/** One step works on copies, so that the order that came in stays as it was. */
class Work {
  #next: number | undefined;
  #last: number;
  #told: Ranges;
  readonly #versions: Map<number, number>;
  readonly #held: Map<number, Held>;
  readonly #effects: OrderEffect[] = [];

  constructor({ next, last, told, versions, held }: Order) {
    this.#next = next;
    this.#last = last;
    this.#told = told;
    this.#versions = new Map(versions);
    this.#held = new Map(held);
  }

  end(): Ordered {
    trim(this.#versions, VERSIONS_MAX);
    const order = {
      next: this.#next,
      last: this.#last,
      told: this.#told.slice(-RANGES_MAX),
      versions: this.#versions,
      held: this.#held,
    };
    return { order, effects: this.#effects };
  }

  message(message: Message, tickets: readonly Ticket[]): void {
    const { seq } = message;
    this.#last = Math.max(this.#last, seq);
    this.#next ??= seq;
    if (includes(this.#told, seq)) this.#tellUpdate(asUpdate(message), tickets);
    else if (seq < this.#next) this.#tell(message, tickets);
    else {
      this.#hold(seq, { message, tickets });
      this.#drain();
    }
  }

  update(update: MessageUpdate, tickets: readonly Ticket[]): void {
    const { seq } = update;
    this.#last = Math.max(this.#last, seq);
    if (this.#next === undefined || seq < this.#next) this.#tellUpdate(update, tickets);
    else this.#hold(seq, { update, tickets });
  }

  known(lastSeq: number): void {
    this.#last = Math.max(this.#last, lastSeq);
    this.#next ??= lastSeq + 1;
  }

  /** The answer shows that what it lacks within its range is gone for good. */
  fill({ afterSeq, upToSeq }: Gap, messages: readonly Message[], hasMore: boolean): void {
    if (this.#next === undefined || afterSeq >= this.#next) return;
    const end = messages.at(-1)?.seq ?? afterSeq;
    const covered = hasMore ? end : Math.max(end, upToSeq);
    this.#last = Math.max(this.#last, end);
    for (const message of messages) {
      if (message.seq >= this.#next) this.#hold(message.seq, { message, tickets: [] }, true);
    }
    const due = [...this.#held.keys()].filter((seq) => seq <= covered).sort((a, b) => a - b);
    for (const seq of due) this.#release(seq);
    this.#next = Math.max(this.#next, covered + 1);
    this.#drain();
  }

  /** The newest body of several is kept. Bodies beyond the bound are forgotten. */
  #hold(seq: number, { message, update, tickets }: Held, isFill = false): void {
    const known = this.#held.get(seq);
    const held: Held = { tickets: [...(known?.tickets ?? []), ...tickets] };
    const body = newest(known?.message, message);
    const isRoom = isFill || this.#held.size < BODIES_MAX || seq === this.#next;
    if (body !== undefined && isRoom) held.message = body;
    const change = newest(known?.update, update);
    if (change !== undefined) held.update = change;
    const isEmpty = Object.keys(held).length === 1 && held.tickets.length === 0;
    if (!isEmpty) this.#held.set(seq, held);
  }

  #drain(): void {
    while (this.#next !== undefined && this.#held.get(this.#next)?.message !== undefined) {
      this.#release(this.#next);
      this.#next += 1;
    }
  }

  #release(seq: number): void {
    const held = this.#held.get(seq);
    this.#held.delete(seq);
    if (held === undefined) return;
    const { message, update, tickets } = held;
    if (message !== undefined) this.#tell(message, tickets);
    if (update !== undefined) this.#tellUpdate(update, message === undefined ? tickets : []);
    else if (message === undefined) this.#effects.push({ tell: 'nothing', seq, tickets });
  }

  #tell(message: Message, tickets: readonly Ticket[]): void {
    const { seq, version } = message;
    const isLate = (highest(this.#told) ?? -1) > seq;
    this.#told = withValue(this.#told, seq);
    if (version > 1) this.#versions.set(seq, version);
    this.#effects.push({ tell: 'message', message, isLate, tickets });
  }

  #tellUpdate(update: MessageUpdate, tickets: readonly Ticket[]): void {
    const { seq, version } = update;
    if (version <= (this.#versions.get(seq) ?? 1)) {
      this.#effects.push({ tell: 'nothing', seq, tickets });
      return;
    }
    this.#versions.set(seq, version);
    this.#effects.push({ tell: 'update', update, tickets });
  }
}

function newest<Body extends { version: number }>(
  one: Body | undefined,
  other: Body | undefined,
): Body | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.version > one.version ? other : one;
}

/** A message that the application was told comes again, and may have changed since. */
function asUpdate(message: Message): MessageUpdate {
  const { edited_at, deleted_at, content, reactions } = message;
  const { message_id, conversation_id, seq, version } = message;
  const isDeleted = deleted_at !== undefined;
  const change = isDeleted ? 'deleted' : edited_at !== undefined ? 'edited' : 'reactions';
  const update: MessageUpdate = { message_id, conversation_id, seq, version, change };
  if (isDeleted) return { ...update, deleted_at };
  if (content !== undefined) update.content = content;
  if (edited_at !== undefined) update.edited_at = edited_at;
  if (reactions !== undefined) update.reactions = reactions;
  return update;
}

function trim(versions: Map<number, number>, max: number): void {
  if (versions.size <= max) return;
  const seqs = [...versions.keys()].sort((a, b) => a - b);
  for (const seq of seqs.slice(0, versions.size - max)) versions.delete(seq);
}

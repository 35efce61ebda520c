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
  /**
   * History answered what there is above `afterSeq`, up to `upToSeq` or to the page's end. One that
   * will never answer, for example because the user was removed, has nothing.
   */
  | { is: 'filled'; gap: Gap; messages: readonly Message[]; hasMore: boolean };

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
  // The step works on copies, so that the order that came in stays as it was.
  const work = { ...order, versions: new Map(order.versions), held: new Map(order.held) };
  const step: Step = { order: work, effects: [] };
  if (input.is === 'message') takeMessage(step, input.message, input);
  else if (input.is === 'update') takeUpdate(step, input.update, input);
  else if (input.is === 'filled') fill(step, input);
  else {
    work.last = Math.max(work.last, input.lastSeq);
    work.next ??= input.lastSeq + 1;
  }
  work.told = work.told.slice(-RANGES_MAX);
  trim(work.versions);
  return step;
}

/** Returns what history must fill in, or undefined if nothing is missing. */
export function gapOf({ next, last }: Order): Gap | undefined {
  return next !== undefined && last >= next ? { afterSeq: next - 1, upToSeq: last } : undefined;
}

type Step = {
  order: Order & { versions: Map<number, number>; held: Map<number, Held> };
  effects: OrderEffect[];
};
type Ticketed = { ticket?: Ticket | undefined };

function takeMessage({ order, effects }: Step, message: Message, { ticket }: Ticketed): void {
  const { seq } = message;
  const tickets = ticket ? [ticket] : [];
  order.last = Math.max(order.last, seq);
  order.next ??= seq;
  if (includes(order.told, seq)) tellUpdate({ order, effects }, asUpdate(message), tickets);
  else if (seq < order.next) tell({ order, effects }, message, tickets);
  else {
    hold(order, seq, { message, tickets });
    drain({ order, effects });
  }
}

function takeUpdate(step: Step, update: MessageUpdate, { ticket }: Ticketed): void {
  const { order } = step;
  const { seq } = update;
  const tickets = ticket ? [ticket] : [];
  order.last = Math.max(order.last, seq);
  if (seq < (order.next ?? Infinity)) tellUpdate(step, update, tickets);
  else hold(order, seq, { update, tickets });
}

type Filled = Omit<OrderInput & { is: 'filled' }, 'is'>;

/** The answer shows that what it lacks within its range is gone for good. */
function fill(step: Step, { gap, messages, hasMore }: Filled): void {
  const { order } = step;
  const { next = 0 } = order;
  if (gap.afterSeq >= next) return;
  const end = messages.at(-1)?.seq ?? gap.afterSeq;
  const covered = hasMore ? end : Math.max(end, gap.upToSeq);
  order.last = Math.max(order.last, end);
  for (const message of messages) {
    if (message.seq >= next) hold(order, message.seq, { message, tickets: [] }, true);
  }
  const due = [...order.held.keys()].filter((seq) => seq <= covered).sort((a, b) => a - b);
  for (const seq of due) release(step, seq);
  order.next = Math.max(next, covered + 1);
  drain(step);
}

/** The newest body of several is kept. Bodies beyond the bound are forgotten. */
function hold(
  { held, next }: Step['order'],
  seq: number,
  ...[{ message, update, tickets }, isFill]: [Held, boolean?]
): void {
  const known = held.get(seq);
  const all: Held = { tickets: [...(known?.tickets ?? []), ...tickets] };
  const body = newest(known?.message, message);
  const change = newest(known?.update, update);
  if (body && (isFill || held.size < BODIES_MAX || seq === next)) all.message = body;
  if (change) all.update = change;
  if (all.message || change || all.tickets.length > 0) held.set(seq, all);
}

function drain(step: Step): void {
  const { order } = step;
  while (order.next !== undefined && order.held.get(order.next)?.message) {
    release(step, order.next);
    order.next += 1;
  }
}

function release(step: Step, seq: number): void {
  const { held } = step.order;
  const { message, update, tickets } = held.get(seq) as Held;
  held.delete(seq);
  if (message) tell(step, message, tickets);
  if (update) tellUpdate(step, update, message ? [] : tickets);
  else if (!message) step.effects.push({ tell: 'nothing', seq, tickets });
}

function tell({ order, effects }: Step, message: Message, tickets: readonly Ticket[]): void {
  const { seq, version } = message;
  const isLate = (highest(order.told) ?? -1) > seq;
  order.told = withValue(order.told, seq);
  if (version > 1) order.versions.set(seq, version);
  effects.push({ tell: 'message', message, isLate, tickets });
}

function tellUpdate(
  { order: { versions }, effects }: Step,
  update: MessageUpdate,
  tickets: readonly Ticket[],
): void {
  const { seq, version } = update;
  const isNew = version > (versions.get(seq) ?? 1);
  if (isNew) versions.set(seq, version);
  effects.push(isNew ? { tell: 'update', update, tickets } : { tell: 'nothing', seq, tickets });
}

function newest<Body extends { version: number }>(
  one: Body | undefined,
  other: Body | undefined,
): Body | undefined {
  if (!one || !other) return one ?? other;
  return other.version > one.version ? other : one;
}

/** A message that the application was told comes again, and may have changed since. */
function asUpdate(message: Message): MessageUpdate {
  const { deleted_at, edited_at } = message;
  return { ...message, change: deleted_at ? 'deleted' : edited_at ? 'edited' : 'reactions' };
}

function trim(versions: Map<number, number>): void {
  const seqs = [...versions.keys()].sort((a, b) => b - a);
  for (const seq of seqs.slice(VERSIONS_MAX)) versions.delete(seq);
}

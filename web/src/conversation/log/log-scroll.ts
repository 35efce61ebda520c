import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { covers, Heights, indexAt, indexOfSeq, type Span, spanAbove } from './log-window.ts';

/** The parts of the log: what scrolls, the mounted rows, and the space of those that are not. */
type LogParts = {
  root: HTMLElement;
  rows: HTMLElement;
  above: HTMLElement;
  below: HTMLElement;
};

/** The lowest row that one sees, and how much of it is hidden below the edge. */
type Edge = { message: ShownMessage; hiddenPx: number };
type Reveal = { message: ShownMessage; block: 'start' | 'center' };

const END_PX = 16;
/** Older messages are loaded when so many heights of the log are left above. */
const AHEAD = 2;
/** The day above a message that is revealed at the start stays visible. */
const START_PX = 24;

/**
 * Mounts the rows around what one sees, and keeps that in its place when rows come, go or change
 * their height. The log scrolls from its end (`column-reverse`), so `scrollTop` is 0 at the newest
 * message and negative above it: what is mounted or loaded above moves nothing by itself.
 */
export class LogScroll {
  readonly #heights = new Heights();
  readonly #owners = new WeakMap<Element, ShownMessage>();
  readonly #onMove: () => void;
  readonly #redraw: () => void;
  #parts: LogParts | undefined;
  #messages: readonly ShownMessage[] = [];
  #mounted: Span = { first: 0, end: 0 };
  #edge: Edge | undefined;
  /** The next drawing brings this into view. */
  #reveal: Reveal | 'end' | undefined;
  #widthPx = 0;

  /** `onMove` is called after what one sees may have changed. */
  constructor(onMove: () => void, redraw: () => void) {
    this.#onMove = onMove;
    this.#redraw = redraw;
  }

  /** The newest message is in view, and stays so when newer ones come. */
  get isAtEnd(): boolean {
    return this.#edge === undefined;
  }

  /** One is so near to the oldest message here that older ones are due. */
  get isNearStart(): boolean {
    const { root } = this.#parts ?? {};
    if (!root || this.#mounted.first > 0) return false;
    const { scrollHeight, clientHeight, scrollTop } = root;
    return clientHeight > 0 && scrollHeight - clientHeight + scrollTop < AHEAD * clientHeight;
  }

  /** The lowest message of which one sees a half or more. */
  get lowestSeen(): ShownMessage | undefined {
    if (!this.#parts || this.#parts.root.clientHeight === 0) return undefined;
    if (!this.#edge) return this.#messages.at(-1);
    const { message, hiddenPx } = this.#edge;
    const isSeen = hiddenPx <= this.#heights.of(message) / 2;
    return isSeen ? message : this.#messages[this.#indexOf(message) - 1];
  }

  /** Watches the parts for changes of their size, until the returned function is called. */
  attach(parts: LogParts): () => void {
    this.#parts = parts;
    const onScroll = (): void => this.#scrolled();
    parts.root.addEventListener('scroll', onScroll, { passive: true });
    this.#observer.observe(parts.root);
    return () => {
      parts.root.removeEventListener('scroll', onScroll);
      this.#observer.disconnect();
      this.#parts = undefined;
    };
  }

  /** Returns the rows to draw. It is called before each drawing, and sees where one is by then. */
  span(messages: readonly ShownMessage[]): Span {
    if (!this.#reveal) this.#look();
    const lowest = this.#lowestIn(messages);
    return spanAbove(messages, this.#heights, { lowest, viewportPx: this.#viewportPx });
  }

  /** The rows have been drawn. They are measured, and what one sees is put where it was. */
  drawn(messages: readonly ShownMessage[], span: Span): void {
    this.#messages = messages;
    this.#mounted = span;
    const parts = this.#parts;
    if (!parts) return;
    const { first, end } = span;
    setHeight(parts.above, this.#heights.sum(messages, { first: 0, end: first }));
    setHeight(parts.below, this.#heights.sum(messages, { first: end, end: messages.length }));
    for (const [index, element] of [...parts.rows.children].entries()) {
      const message = messages[first + index];
      if (!message) continue;
      if (!this.#owners.has(element)) this.#observer.observe(element);
      this.#owners.set(element, message);
      if (!this.#heights.has(message)) this.#heights.set(message, heightOf(element));
    }
    if (this.#reveal) this.#show(this.#reveal);
    else this.#restore();
    this.#onMove();
  }

  toEnd(): void {
    this.#reveal = 'end';
    this.#redraw();
  }

  /** Brings a message into view. */
  reveal(message: ShownMessage, block: 'start' | 'center'): void {
    this.#reveal = { message, block };
    this.#redraw();
  }

  readonly #observer = new ResizeObserver((entries) => {
    const { root } = this.#parts ?? {};
    for (const { target } of entries) {
      const message = this.#owners.get(target);
      if (message && target.isConnected) this.#heights.set(message, heightOf(target));
      else if (target !== root) this.#observer.unobserve(target);
    }
    if (!root) return;
    const { clientWidth } = root;
    if (clientWidth !== this.#widthPx && this.#widthPx > 0) this.#heights.clear();
    this.#widthPx = clientWidth;
    this.#restore();
    this.#scrolled();
  });

  get #viewportPx(): number {
    return this.#parts?.root.clientHeight || UNKNOWN_VIEWPORT_PX;
  }

  #scrolled(): void {
    this.#look();
    const place = { lowest: this.#lowestIn(this.#messages), viewportPx: this.#viewportPx };
    const wanted = spanAbove(this.#messages, this.#heights, place);
    if (!covers(this.#mounted, wanted, this.#messages.length)) this.#redraw();
    else this.#onMove();
  }

  /** Sees where one is. Above or below all mounted rows, the heights tell it. */
  #look(): void {
    const { root, rows } = this.#parts ?? {};
    if (!root || !rows || root.clientHeight === 0) return;
    const fromEndPx = -root.scrollTop;
    const isEndMounted = this.#mounted.end === this.#messages.length;
    if (isEndMounted && fromEndPx < END_PX) {
      this.#edge = undefined;
      return;
    }
    const view = root.getBoundingClientRect();
    const element = lowestAbove(rows.children, view.bottom);
    const message = element && this.#owners.get(element);
    const box = element?.getBoundingClientRect();
    if (message && box && box.bottom > view.top && box.bottom > view.bottom - GAP_PX) {
      this.#edge = { message, hiddenPx: box.bottom - view.bottom };
      return;
    }
    const index = indexAt(this.#messages, this.#heights, fromEndPx);
    const found = this.#messages[index];
    const below = { first: index + 1, end: this.#messages.length };
    const hiddenPx = fromEndPx - this.#heights.sum(this.#messages, below);
    this.#edge = found && { message: found, hiddenPx };
  }

  #restore(): void {
    const { root } = this.#parts ?? {};
    if (!root) return;
    if (!this.#edge) {
      if (root.scrollTop !== 0) root.scrollTop = 0;
      return;
    }
    const element = this.#elementOf(this.#edge.message);
    if (!element) return;
    const hiddenPx = element.getBoundingClientRect().bottom - root.getBoundingClientRect().bottom;
    const movedPx = hiddenPx - this.#edge.hiddenPx;
    if (Math.abs(movedPx) >= 1) root.scrollTop += movedPx;
  }

  #show(reveal: Reveal | 'end'): void {
    this.#reveal = undefined;
    const { root } = this.#parts ?? {};
    if (reveal === 'end') {
      this.#edge = undefined;
      this.#restore();
      return;
    }
    const { message, block } = reveal;
    const element = this.#elementOf(message);
    if (!root || !element) return;
    const [view, box] = [root.getBoundingClientRect(), element.getBoundingClientRect()];
    const spacePx = block === 'start' ? START_PX : Math.max(0, (view.height - box.height) / 2);
    root.scrollTop += box.top - view.top - spacePx;
    this.#look();
  }

  #lowestIn(messages: readonly ShownMessage[]): number {
    if (this.#reveal === 'end') return messages.length - 1;
    if (this.#reveal) return indexIn(messages, this.#reveal.message) + REVEALED_BELOW;
    return this.#edge ? indexIn(messages, this.#edge.message) : messages.length - 1;
  }

  #elementOf(message: ShownMessage): Element | undefined {
    const index = this.#indexOf(message) - this.#mounted.first;
    return this.#parts?.rows.children[index];
  }

  #indexOf(message: ShownMessage): number {
    return indexIn(this.#messages, message);
  }
}

const UNKNOWN_VIEWPORT_PX = 800;
const REVEALED_BELOW = 10;
/** So much space is at most between the lowest row and the edge of what one sees. */
const GAP_PX = 48;

function indexIn(messages: readonly ShownMessage[], { seq, client_msg_id: id }: ShownMessage) {
  if (seq !== undefined) return Math.min(indexOfSeq(messages, seq), messages.length - 1);
  const index = messages.findLastIndex(({ client_msg_id: other }) => other === id);
  return index === -1 ? messages.length - 1 : index;
}

/** Rows stand in their order, so a search by halves finds the lowest that begins above the edge. */
function lowestAbove(rows: HTMLCollection, edgePx: number): Element | undefined {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const top = rows[middle]?.getBoundingClientRect().top ?? edgePx;
    if (top < edgePx) low = middle + 1;
    else high = middle;
  }
  return rows[low - 1];
}

function heightOf(element: Element): number {
  return element.getBoundingClientRect().height;
}

function setHeight({ style }: HTMLElement, heightPx: number): void {
  style.height = `${Math.round(heightPx)}px`;
}

import type { ShownMessage } from '../../../../clients/js/src/index.ts';

/** Rows from `first` to before `end` are mounted. */
export type Span = { first: number; end: number };

/** So many rows are mounted on each side of those that one sees. */
const MARGIN_ROWS = 30;
/** One sees no more rows than these, whatever the screen is. */
const VISIBLE_ROWS_MAX = 90;
const GUESSED_PX = 64;

/**
 * Knows how high rows were when they were last mounted. A row that never was is taken to be as
 * high as the others are on average.
 */
export class Heights {
  readonly #known = new Map<number | string, number>();
  #total = 0;

  of(message: ShownMessage): number {
    return this.#known.get(heightKey(message)) ?? this.#averagePx;
  }

  has(message: ShownMessage): boolean {
    return this.#known.has(heightKey(message));
  }

  set(message: ShownMessage, heightPx: number): void {
    const key = heightKey(message);
    this.#total += heightPx - (this.#known.get(key) ?? 0);
    this.#known.set(key, heightPx);
  }

  /** The width has changed, so all heights have. */
  clear(): void {
    this.#known.clear();
    this.#total = 0;
  }

  /** Returns how high the rows from `first` to before `end` are together. */
  sum(messages: readonly ShownMessage[], { first, end }: Span): number {
    let sum = 0;
    for (let index = first; index < end; index += 1)
      sum += this.of(messages[index] as ShownMessage);
    return sum;
  }

  get #averagePx(): number {
    return this.#known.size === 0 ? GUESSED_PX : this.#total / this.#known.size;
  }
}

/**
 * Returns the rows to mount when the row at `lowest` is the lowest one that one sees. No more than
 * 150 rows are ever mounted.
 */
export function spanAbove(
  messages: readonly ShownMessage[],
  heights: Heights,
  { lowest, viewportPx }: { lowest: number; viewportPx: number },
): Span {
  const end = Math.min(lowest + 1, messages.length);
  const least = Math.max(0, end - VISIBLE_ROWS_MAX);
  let first = end;
  for (
    let px = 0;
    first > least && px < viewportPx;
    px += heights.of(messages[first] as ShownMessage)
  ) {
    first -= 1;
  }
  return {
    first: Math.max(0, first - MARGIN_ROWS),
    end: Math.min(messages.length, end + MARGIN_ROWS),
  };
}

/** Tells whether the rows that are mounted still reach far beyond those that one sees. */
export function covers(mounted: Span, wanted: Span, count: number): boolean {
  const slack = MARGIN_ROWS / 2;
  const first = wanted.first === 0 ? 0 : wanted.first + slack;
  const end = wanted.end === count ? count : wanted.end - slack;
  return mounted.first <= first && mounted.end >= end;
}

/** Returns the index of the row that stands so far above the end of the log. */
export function indexAt(
  messages: readonly ShownMessage[],
  heights: Heights,
  fromEndPx: number,
): number {
  let index = messages.length - 1;
  for (let px = fromEndPx; index > 0; index -= 1) {
    px -= heights.of(messages[index] as ShownMessage);
    if (px < 0) break;
  }
  return Math.max(0, index);
}

/** Returns the index of the first message with this `seq` or a higher one, or of one without. */
export function indexOfSeq(messages: readonly ShownMessage[], seq: number): number {
  let [low, high] = [0, messages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages[middle]?.seq ?? Number.POSITIVE_INFINITY) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A message that is not sent yet has no `seq`, and gets a height anew when it has one. */
function heightKey({ seq, client_msg_id: id = '' }: ShownMessage): number | string {
  return seq ?? id;
}

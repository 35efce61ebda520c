import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import type { MessageListState } from '../../../../clients/js/src/store/index.ts';
import { LogScroll } from './log-scroll.ts';
import type { Span } from './log-window.ts';

type Deps = {
  list: MessageListState;
  /** Loads older messages. */
  onOlder: () => void;
  /** The user may see other messages than before. */
  onSeen: (lowest: ShownMessage) => void;
  isAttending: boolean;
};

type Scrolling = {
  /** These messages are to be drawn. */
  span: Span;
  scroll: LogScroll;
  isAtEnd: boolean;
  root: { current: HTMLDivElement | null };
  rows: { current: HTMLDivElement | null };
  above: { current: HTMLDivElement | null };
  below: { current: HTMLDivElement | null };
};

/** Connects the scrolling of the log with what is drawn. */
export function useLogScroll({ list, onOlder, onSeen, isAttending }: Deps): Scrolling {
  const { messages, hasOlder, isLoaded, error } = list;
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [isAtEnd, setAtEnd] = useState(true);
  const [root, rows] = [useRef<HTMLDivElement>(null), useRef<HTMLDivElement>(null)];
  const [above, below] = [useRef<HTMLDivElement>(null), useRef<HTMLDivElement>(null)];
  const moved = useRef<() => void>(() => undefined);
  const [scroll] = useState(
    () =>
      new LogScroll(
        () => moved.current(),
        () => redraw(undefined),
      ),
  );
  moved.current = () => {
    setAtEnd(scroll.isAtEnd);
    if (isLoaded && hasOlder && !error && scroll.isNearStart) onOlder();
    const lowest = scroll.lowestSeen;
    if (isAttending && lowest) onSeen(lowest);
  };
  const span = scroll.span(messages);

  useLayoutEffect(() => {
    if (!root.current || !rows.current || !above.current || !below.current) return;
    return scroll.attach({
      ...{ root: root.current, rows: rows.current },
      ...{ above: above.current, below: below.current },
    });
  }, [scroll, root, rows, above, below]);
  useLayoutEffect(() => scroll.drawn(messages, span));
  useEffect(() => {
    if (isAttending) moved.current();
  }, [isAttending]);
  return { span, scroll, isAtEnd, root, rows, above, below };
}

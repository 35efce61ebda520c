import { useEffect, useRef, useState } from 'preact/hooks';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import type { MessageListState } from '../../../../clients/js/src/store/index.ts';
import { type Arrival, arrivedAbove, lastSeqOf, sayArrivals } from './arrivals.ts';

type Props = {
  list: MessageListState;
  userId: string;
  /** Says what has come, in words of one line. */
  describe: (message: ShownMessage) => Arrival;
};

/** The arrivals of this time are said in one sentence. */
const BURST_MS = 1_000;
const ARRIVALS_MAX = 1_000;

/**
 * Lets screen readers say what others write while the conversation is open. Only arrivals change
 * it, so what is loaded, one's own messages, receipts and reactions are silent.
 */
export function Announcer({ list, userId, describe }: Props) {
  const { messages, isLoaded } = list;
  const [said, setSaid] = useState('');
  const heardSeq = useRef<number | undefined>(undefined);
  const waiting = useRef<Arrival[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  useEffect(() => {
    if (!isLoaded) return;
    const lastSeq = lastSeqOf(messages);
    const arrived = arrivedAbove(messages, heardSeq.current ?? lastSeq, userId);
    heardSeq.current = Math.max(lastSeq, heardSeq.current ?? 0);
    if (arrived.length === 0) return;
    waiting.current = [...waiting.current, ...arrived.map(describe)].slice(-ARRIVALS_MAX);
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      setSaid(sayArrivals(waiting.current.splice(0)));
    }, BURST_MS);
  });
  useEffect(() => () => clearTimeout(timer.current), []);

  return (
    <div class="hidden" role="status" aria-label="Arrivals">
      {said}
    </div>
  );
}

import { useEffect, useRef } from 'preact/hooks';
import type { MessageListState } from '../../../../clients/js/src/store/index.ts';
import { lastSeqOf } from './arrivals.ts';
import { firstNewSeq } from './rows.ts';

type Known = {
  list: MessageListState;
  /** The user had read so far when the conversation was opened. */
  lastReadSeq: number | undefined;
  isAttending: boolean;
  userId: string;
};

type Line = { readSeq: number; newSeq: number | undefined };

/**
 * Returns the `seq` of the message above which the line "new messages" stands. The line is drawn
 * when a conversation is opened with unread messages, and when messages come while nobody looks.
 * It stays until the user answers, or looks away with all read.
 */
export function useNewLine({ list, lastReadSeq, isAttending, userId }: Known): number | undefined {
  const line = useRef<Line | undefined>(undefined);
  const { messages, isLoaded, hasOlder } = list;
  const isOpened = line.current === undefined;
  if (isOpened && isLoaded && lastReadSeq !== undefined) {
    line.current = { readSeq: lastReadSeq, newSeq: undefined };
  }
  const known = line.current;
  if (known && known.newSeq === undefined && (isOpened || !isAttending)) {
    known.newSeq = firstNewSeq({ messages, hasOlder, readSeq: known.readSeq, userId });
  }
  useEffect(() => {
    if (isAttending || !line.current || (lastReadSeq ?? 0) < lastSeqOf(messages)) return;
    line.current = { readSeq: lastSeqOf(messages), newSeq: undefined };
  });
  if (known?.newSeq === undefined) return undefined;
  const own = messages.findLast(({ seq, sender_id: id }) => seq !== undefined && id === userId);
  return (own?.seq ?? 0) > known.newSeq ? undefined : known.newSeq;
}

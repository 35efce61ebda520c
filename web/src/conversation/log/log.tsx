import type { Ref } from 'preact';
import { useEffect, useImperativeHandle, useRef, useState } from 'preact/hooks';
import type { Conversation, ShownMessage } from '../../../../clients/js/src/index.ts';
import type { MessageListState } from '../../../../clients/js/src/store/index.ts';
import { useSession } from '../../app/session.ts';
import { Icon } from '../../parts/icon.tsx';
import type { MessageActions } from '../message/message-actions.ts';
import { RowView } from '../message/row-view.tsx';
import { takesPart } from '../people.ts';
import { Announcer } from './announcer.tsx';
import { lastSeqOf } from './arrivals.ts';
import { describeRow, type Viewer } from './describe-row.ts';
import { useRoving } from './roving.ts';
import { countNewer, keyOf, type Row, rowsOf } from './rows.ts';
import { useAttention } from './use-attention.ts';
import { useLogScroll } from './use-log-scroll.ts';
import { useNewLine } from './use-new-line.ts';

/** The view of the conversation drives the log by this. */
export type LogHandle = {
  /** Shows a message of the list, and lets it shine for a moment. */
  reveal(message: ShownMessage): void;
};

type Props = {
  conversation: Conversation;
  list: MessageListState;
  viewer: Viewer;
  actions: MessageActions;
  onOlder: () => void;
  onEscape: () => void;
  handle: Ref<LogHandle>;
};

const SHINES_MS = 2_000;

/** The log shows the messages of a conversation, and loads older ones as one scrolls back. */
export function Log({ conversation, list, viewer, actions, onOlder, onEscape, handle }: Props) {
  const { userId } = viewer;
  const { last_read_seq: lastReadSeq, type } = conversation;
  const { messages } = list;
  const isAttending = useAttention();
  const [foundKey, setFoundKey] = useState<string>();
  const isOpened = useRef(false);
  const onSeen = useReading(conversation, messages, isOpened);
  const { scroll, span, isAtEnd, root, ...parts } = useLogScroll({
    ...{ list, onOlder, onSeen, isAttending },
  });
  const newSeq = useNewLine({ list, lastReadSeq, isAttending, userId });
  const rows = rowsOf({ messages, ...span, newSeq });
  const { activeKey, ...keys } = useRoving({ rows, onEscape, onEnd: () => scroll.toEnd() });
  const newer = useNewer({ messages, isAtEnd, userId, lastReadSeq });
  useOpening({ list, newSeq, userId, scroll, isOpened });
  useImperativeHandle(handle, () => ({
    reveal(message) {
      scroll.reveal(message, 'center');
      setFoundKey(keyOf(message));
      setTimeout(() => setFoundKey(undefined), SHINES_MS);
    },
  }));

  const entryKey = rows.some(({ key }) => key === activeKey) ? activeKey : rows.at(-1)?.key;
  const describe = (message: ShownMessage) => {
    const { senderName, systemText } = describeRow(message, viewer);
    return { senderName, text: systemText ?? message.content ?? '' };
  };
  return (
    <div class="log-frame">
      <div ref={root} class="log" role="log" aria-label="Messages" aria-live="off" {...keys}>
        <div class="log-content">
          <Beginning list={list} onOlder={onOlder} />
          <div ref={parts.above} />
          <div ref={parts.rows}>
            {rows.map(({ key, ...row }: Row) => (
              <RowView
                key={key}
                {...row}
                {...describeRow(row.message, viewer)}
                isActive={key === activeKey}
                isEntry={key === entryKey}
                isFound={key === foundKey}
                hasSenders={type !== 'direct'}
                actions={actions}
              />
            ))}
          </div>
          <div ref={parts.below} />
        </div>
      </div>
      {!isAtEnd && <JumpButton count={newer} onJump={() => scroll.toEnd()} />}
      <Announcer list={list} userId={userId} describe={describe} />
    </div>
  );
}

/**
 * Tells the server how far the user has read. A message that is on its way counts for nothing, and
 * so does what is drawn before the log has gone to the first new message.
 */
function useReading(
  conversation: Conversation,
  messages: readonly ShownMessage[],
  isOpened: { current: boolean },
) {
  const { store, userId } = useSession();
  const readSeq = useRef(0);
  return (lowest: ShownMessage): void => {
    const { conversation_id: id, last_seq: lastSeq } = conversation;
    const seq = Math.min(lowest.seq ?? lastSeqOf(messages), lastSeq);
    if (!isOpened.current || seq <= readSeq.current || !takesPart(conversation, userId)) return;
    readSeq.current = seq;
    store.read(id, seq);
  };
}

function Beginning({ list, onOlder }: { list: MessageListState; onOlder: () => void }) {
  const { hasOlder, isLoaded, error, messages } = list;
  if (error) {
    return (
      <p class="log-note">
        Older messages could not be loaded.{' '}
        <button type="button" class="link" onClick={onOlder}>
          Try again
        </button>
      </p>
    );
  }
  if (messages.length >= HELD_MAX) return <p class="log-note">Older messages are not shown.</p>;
  if (!isLoaded || hasOlder) return <p class="log-note">Loading messages …</p>;
  return <p class="log-note">{messages.length === 0 ? 'No messages yet. Say hello.' : ''}</p>;
}

/** The client loads no older messages than these. */
const HELD_MAX = 20_000;

function JumpButton({ count, onJump }: { count: number; onJump: () => void }) {
  const label = count === 0 ? 'Go to the newest message' : `Go to ${count} new messages`;
  return (
    <button type="button" class="jump" aria-label={label} onClick={onJump}>
      <Icon name="down" />
      {count > 0 && <span class="badge">{count > COUNT_MAX ? `${COUNT_MAX}+` : count}</span>}
    </button>
  );
}

const COUNT_MAX = 99;

type NewerDeps = {
  messages: readonly ShownMessage[];
  isAtEnd: boolean;
  userId: string;
  /** Somebody who reads without taking part has read nothing. */
  lastReadSeq: number | undefined;
};

/** Counts what is not read, or what has come since one was at the newest message. */
function useNewer({ messages, isAtEnd, userId, lastReadSeq }: NewerDeps): number {
  const seenSeq = useRef(0);
  if (isAtEnd) seenSeq.current = lastSeqOf(messages);
  return isAtEnd ? 0 : countNewer(messages, lastReadSeq ?? seenSeq.current, userId);
}

type OpeningDeps = {
  list: MessageListState;
  newSeq: number | undefined;
  userId: string;
  scroll: ReturnType<typeof useLogScroll>['scroll'];
  isOpened: { current: boolean };
};

/** The log opens where the new messages begin, and goes to the end when the user writes. */
function useOpening({ list, newSeq, userId, scroll, isOpened }: OpeningDeps): void {
  const { messages, isLoaded } = list;
  const writtenId = useRef<string | undefined>(undefined);
  const last = messages.at(-1);
  const isWritten = last?.seq === undefined && last?.sender_id === userId;
  useEffect(() => {
    if (!isLoaded) return;
    const first = isOpened.current ? undefined : messages.find(({ seq }) => seq === newSeq);
    if (newSeq !== undefined && first) scroll.reveal(first, 'start');
    else if (!isOpened.current) scroll.toEnd();
    const id = isWritten ? last?.client_msg_id : undefined;
    if (isOpened.current && id !== undefined && id !== writtenId.current) scroll.toEnd();
    isOpened.current = true;
    writtenId.current = id;
  });
}

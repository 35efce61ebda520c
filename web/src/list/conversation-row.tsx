import { useMemo, useRef } from 'preact/hooks';
import type { Conversation } from '../../../clients/js/src/protocol/shapes.ts';
import { hashOf } from '../app/place.ts';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { PresenceDot } from '../conversation/header/presence.tsx';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { memo } from '../parts/memo.tsx';
import { useOnScreen } from '../parts/on-screen.ts';
import { lastMessageOf } from './last-message.ts';

type RowProps = {
  conversation: Conversation;
  /** This says when something happened last. */
  time: string;
  isCurrent: boolean;
  /** Only one row of a list is reached with the Tab key. */
  isTabStop: boolean;
};

const UNREAD_SHOWN_MAX = 99;

/** A row of the list shows with whom one talks, what was said last and when, and what is unread. */
export const ConversationRow = memo(({ conversation, time, isCurrent, isTabStop }: RowProps) => {
  const { userId } = useSession();
  const row = useRef<HTMLAnchorElement>(null);
  const isOnScreen = useOnScreen(row);
  const { conversation_id: id, type, name, unread = 0, is_muted: isMuted } = conversation;
  const other = type === 'direct' ? otherOf(conversation, userId) : undefined;
  return (
    <a
      ref={row}
      class="row"
      href={hashOf({ kind: 'conversations', conversationId: id })}
      aria-current={isCurrent ? 'true' : undefined}
      tabIndex={isTabStop ? 0 : -1}
    >
      <span class="row-avatar">
        <Avatar
          id={other ?? conversation.business_id ?? id}
          name={name}
          url={conversation.avatar_url}
        />
        {other && isOnScreen && <PresenceDot userId={other} />}
      </span>
      <span class="row-line">
        <span class="row-name" dir="auto">
          {name}
        </span>
        {isMuted && (
          <span class="row-muted" role="img" aria-label="muted">
            <Icon name="mute" />
          </span>
        )}
        <span class="row-time">{time}</span>
      </span>
      <span class="row-line">
        <LastLine conversation={conversation} />
        {unread > 0 && (
          <span class={isMuted ? 'badge quiet' : 'badge'}>
            {unread > UNREAD_SHOWN_MAX ? `${UNREAD_SHOWN_MAX}+` : unread}
            <span class="hidden"> unread</span>
          </span>
        )}
      </span>
    </a>
  );
});

function LastLine({ conversation }: { conversation: Conversation }) {
  const { store, userId, nameOf } = useSession();
  const { conversation_id: id } = conversation;
  const typing = useMemo(() => store.typing(id), [store, id]);
  const typists = useValue(typing).filter((one) => one !== userId);
  if (typists.length > 0) return <span class="row-last row-typing">typing …</span>;
  const { who, icon, text, isAside } = lastMessageOf(conversation, userId, nameOf);
  return (
    <span class={isAside ? 'row-last row-aside' : 'row-last'} dir="auto">
      {who && `${who}: `}
      {icon && <Icon name={icon} />}
      {text}
    </span>
  );
}

function otherOf({ participants }: Conversation, userId: string): string | undefined {
  return participants.find(({ user_id: id }) => id !== userId)?.user_id;
}

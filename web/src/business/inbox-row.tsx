import type { Conversation } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';
import { Avatar } from '../parts/avatar.tsx';
import { relativeTime } from '../parts/times.ts';
import { agentOf, customerOf } from './people.ts';
import { waitedText } from './waited.ts';

type RowProps = {
  conversation: Conversation;
  now: number;
  isCurrent: boolean;
  href: string;
};

/** A row says who the customer is, what was said last, and how long the customer has waited. */
export function InboxRow({ now, isCurrent, href, ...row }: RowProps) {
  const { store } = useSession();
  // The inbox tells of steps alone, and the store of each message that a participant gets.
  const conversation =
    store.conversations.get(row.conversation.conversation_id) ?? row.conversation;
  const { conversation_id: id, last_message: last } = conversation;
  const customer = customerOf(conversation);
  return (
    <a class="inbox-row" href={href} aria-current={isCurrent ? 'true' : undefined}>
      <Avatar
        id={customer?.user_id ?? id}
        name={customer?.name ?? conversation.name}
        url={customer?.avatar_url}
      />
      <span class="inbox-row-line">
        <span class="inbox-row-name" dir="auto">
          {customer?.name ?? conversation.name}
        </span>
        <StateOf {...{ conversation, now }} />
      </span>
      <span class="inbox-row-line">
        <span class="inbox-row-last" dir="auto">
          {last?.content}
        </span>
        {!!conversation.unread && (
          <span class="badge">
            {conversation.unread}
            <span class="hidden"> unread</span>
          </span>
        )}
      </span>
    </a>
  );
}

function StateOf({ conversation, now }: { conversation: Conversation; now: number }) {
  const { userId, nameOf } = useSession();
  const { state, waiting_since: since, closed_at: closedAt, assignee_id: assignee } = conversation;
  if (state === 'waiting' && since) {
    return <span class="inbox-row-wait">waiting for {waitedText(since, now)}</span>;
  }
  if (state === 'closed') {
    return <span class="inbox-row-time">closed {closedAt && relativeTime(closedAt)}</span>;
  }
  const agent = agentOf(conversation)?.name ?? (assignee && nameOf(assignee));
  // A customer who wrote since the last answer waits although somebody has the conversation.
  const waits = since && `waits ${waitedText(since, now)}`;
  const has = assignee === userId ? undefined : agent;
  return (
    <span class={since ? 'inbox-row-wait' : 'inbox-row-time'} dir="auto">
      {[has, waits || relativeTime(conversation.last_activity)].filter(Boolean).join(' · ')}
    </span>
  );
}

import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { Details } from '../details/details.tsx';
import { sayError } from '../parts/errors.ts';
import { Icon } from '../parts/icon.tsx';

type Props = { conversationId: string; bar?: ComponentChildren; canWrite?: boolean };

/** Shows the messages of a conversation, the newest last. */
export function ConversationView({ conversationId, bar }: Props) {
  const { store, nameOf } = useSession();
  useValue(store.conversations);
  const list = useMemo(() => store.messages(conversationId), [store, conversationId]);
  const { messages, error } = useValue(list);
  const newest = messages.at(-1)?.seq;
  useEffect(() => {
    if (newest !== undefined) store.read(conversationId, newest);
  }, [store, conversationId, newest]);
  const [isDetailed, setDetailed] = useState(false);
  return (
    <div class="conversation">
      <header class="conversation-head">
        <h2 dir="auto">{store.conversations.get(conversationId)?.name ?? 'Conversation'}</h2>
        <button
          type="button"
          class="icon-button"
          aria-label="Details"
          onClick={() => setDetailed(true)}
        >
          <Icon name="info" />
        </button>
      </header>
      {isDetailed && <Details conversationId={conversationId} onClose={() => setDetailed(false)} />}
      {bar}
      <div class="log" role="log">
        {messages.map(({ message_id, client_msg_id, sender_id, content = '' }) => (
          <p key={message_id ?? client_msg_id} dir="auto">
            {nameOf(sender_id) ?? 'Somebody'}: {content}
          </p>
        ))}
        {error && <p>{sayError(error)}</p>}
      </div>
    </div>
  );
}

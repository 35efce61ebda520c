import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ChatClient } from '../../../clients/js/src/client.ts';
import type { ChatError, Conversation, ShownMessage } from '../../../clients/js/src/index.ts';
import type { MessageList } from '../../../clients/js/src/store/index.ts';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { Details } from '../details/details.tsx';
import { sayError } from '../parts/errors.ts';
import { notify } from '../parts/notice.ts';
import { Composer, type ComposerHandle } from './composer/composer.tsx';
import type { Task } from './composer/task-bar.tsx';
import { useDrafts } from './composer/use-drafts.ts';
import { Header } from './header/header.tsx';
import { Log, type LogHandle } from './log/log.tsx';
import { DeleteDialog } from './message/delete-dialog.tsx';
import { lastEditable } from './message/message-actions.ts';
import { createPersonOf, participantOf, takesPart } from './people.ts';
import { sayReadOnly } from './say-read-only.ts';
import { Unsent } from './unsent.tsx';
import { useConversation } from './use-conversation.ts';
import { useMessageActions } from './use-message-actions.ts';

type Props = {
  conversationId: string;
  /** Stands between the head and the messages. */
  bar?: ComponentChildren;
  canWrite?: boolean;
};

/** A conversation: who it is with, what was said, and a field to say more. */
export function ConversationView({ conversationId, bar, canWrite = true }: Props) {
  const { conversation, error } = useConversation(conversationId);
  if (!conversation) {
    return (
      <section class="conversation" aria-label="Conversation">
        <p class="stage-empty">{error ? sayError(error) : 'Loading …'}</p>
        <Unsent conversationId={conversationId} />
      </section>
    );
  }
  return <Open {...{ conversation, bar, error }} canWrite={canWrite && !error} />;
}

type OpenProps = {
  conversation: Conversation;
  bar: ComponentChildren;
  canWrite: boolean;
  error: ChatError | undefined;
};

function Open({ conversation, bar, canWrite, error }: OpenProps) {
  const { chat, store, userId, nameOf } = useSession();
  const { conversation_id: id } = conversation;
  const list = useMemo(() => store.messages(id), [store, id]);
  const state = useValue(list);
  const drafts = useDrafts();
  const [task, setTask] = useTask(list, drafts.of(id).replyTo);
  const [removed, setRemoved] = useState<ShownMessage>();
  const [hasDetails, setDetails] = useState(false);
  const [log, composer] = [useRef<LogHandle>(null), useRef<ComposerHandle>(null)];
  const isIn = takesPart(conversation, userId) && canWrite;
  const isAdmin = participantOf(conversation, userId)?.role === 'admin';
  const personOf = createPersonOf({ conversation, nameOf });
  const actions = useMessageActions({
    list,
    onReply: (message) => setTask({ kind: 'reply', message }),
    onEdit: (message) => setTask({ kind: 'edit', message }),
    onRemove: setRemoved,
    onFound: (message) => log.current?.reveal(message),
  });
  const send = (content: string): void => {
    const messageId = task?.message.message_id;
    setTask(undefined);
    if (task?.kind === 'edit') edit(chat, `${messageId}`, content);
    else chat.send({ conversation_id: id, content, ...(messageId && { reply_to: messageId }) });
  };
  const editLast = (): void => {
    const message = lastEditable(list.value.messages, userId);
    if (message) setTask({ kind: 'edit', message });
  };
  return (
    <section class="conversation" aria-label="Conversation">
      <Header {...{ conversation, personOf }} onDetails={() => setDetails(true)} />
      {bar}
      <Log
        handle={log}
        {...{ conversation, list: state, actions }}
        viewer={{ userId, canWrite: isIn, isAdmin, personOf }}
        onOlder={() => void list.older()}
        onEscape={() => composer.current?.focus()}
      />
      {isIn ? (
        <Composer
          handle={composer}
          {...{ conversationId: id, drafts }}
          task={task}
          nameOf={(one) => (one === userId ? 'yourself' : personOf(one).name)}
          onCancel={() => setTask(undefined)}
          onSend={send}
          onEditLast={editLast}
        />
      ) : (
        <p class="composer-none">{error ? sayError(error) : sayReadOnly(conversation)}</p>
      )}
      {removed && (
        <DeleteDialog
          onClose={() => setRemoved(undefined)}
          onDelete={() => {
            setRemoved(undefined);
            chat.delete(`${removed.message_id}`).catch(tell);
            composer.current?.focus();
          }}
        />
      )}
      {hasDetails && <Details conversationId={id} onClose={() => setDetails(false)} />}
    </section>
  );
}

/** A draft that replies to a message does so again when the conversation is opened again. */
function useTask(list: MessageList, replyTo: string | undefined) {
  const [task, setTask] = useState<Task>();
  const isRestored = useRef(false);
  useEffect(() => {
    const { messages, isLoaded } = list.value;
    if (!isLoaded || isRestored.current) return;
    isRestored.current = true;
    const message = messages.findLast(({ message_id: id }) => id === replyTo);
    if (replyTo !== undefined && message) setTask({ kind: 'reply', message });
  });
  return [task, setTask] as const;
}

function edit(chat: ChatClient, messageId: string, content: string): void {
  chat.edit(messageId, content).catch(tell);
}

function tell(error: unknown): void {
  notify(sayError(error));
}

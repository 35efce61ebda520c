import { useMemo, useRef } from 'preact/hooks';
import { ChatError, type ShownMessage } from '../../../clients/js/src/index.ts';
import type { MessageList } from '../../../clients/js/src/store/index.ts';
import { type Session, useSession } from '../app/session.ts';
import { sayError } from '../parts/errors.ts';
import { notify } from '../parts/notice.ts';
import type { MessageActions } from './message/message-actions.ts';

type Deps = {
  list: MessageList;
  onReply: (message: ShownMessage) => void;
  onEdit: (message: ShownMessage) => void;
  onRemove: (message: ShownMessage) => void;
  onFound: (message: ShownMessage) => void;
};

/** So many pages are loaded in search of a message that a reply quotes. */
const PAGES_MAX = 20;

/** Returns what can be done with messages. It is always the same object, so rows can compare it. */
export function useMessageActions(deps: Deps): MessageActions {
  const { chat } = useSession();
  const latest = useRef(deps);
  latest.current = deps;
  return useMemo(() => actionsFor(chat, latest), [chat]);
}

function actionsFor(chat: Session['chat'], latest: { current: Deps }): MessageActions {
  return {
    reply: (message) => latest.current.onReply(message),
    edit: (message) => latest.current.onEdit(message),
    remove: (message) => latest.current.onRemove(message),
    react({ message_id: id = '' }, emoji, isMine) {
      chat.react(id, emoji, isMine).catch((thrown: unknown) => {
        const { code } = ChatError.from(thrown);
        notify(code === 'INVALID_REQUEST' ? 'That is not one emoji.' : sayError(thrown));
      });
    },
    retry: ({ client_msg_id: id = '' }) => chat.outbox.retry(id),
    discard: ({ client_msg_id: id = '' }) => chat.outbox.discard(id),
    async openQuoted(messageId) {
      const { list } = latest.current;
      const found = await findMessage(list, messageId);
      if (found && list === latest.current.list) latest.current.onFound(found);
      else notify('That message is too far back, or is not there any more.');
    },
  };
}

/** Loads older messages until the message is there. */
async function findMessage(
  list: MessageList,
  messageId: string,
): Promise<ShownMessage | undefined> {
  for (let page = 0; page <= PAGES_MAX; page += 1) {
    const { messages, hasOlder } = list.value;
    const found = messages.findLast(({ message_id: id }) => id === messageId);
    if (found || !hasOlder) return found;
    await list.older();
    if (list.value.error || list.value.messages.length === messages.length) return undefined;
  }
  return undefined;
}

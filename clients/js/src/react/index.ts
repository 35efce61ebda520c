import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { Businesses } from '../business/businesses.ts';
import type { InboxState } from '../business/inbox-list.ts';
import type { ChatApi } from '../chat-api.ts';
import type { Observable } from '../events/observable.ts';
import type { Entry } from '../outbox/entry.ts';
import type { InboxView } from '../protocol/requests.ts';
import type { Presence } from '../protocol/shapes.ts';
import type { ChatStore } from '../store/chat-store.ts';
import type { ConversationListState } from '../store/conversations.ts';
import type { MessageListState } from '../store/message-list.ts';
import type { ConnectionState } from '../tabs/tab-message.ts';

/**
 * Makes a client once, keeps it connected while the component is there, and returns it. Give the
 * component the user's id as its `key`, so that another user has another client. A component that
 * React mounts twice connects, disconnects and connects again, and loses nothing by it.
 */
export function useChat<Chat extends Pick<ChatApi, 'connect' | 'disconnect'>>(
  make: () => Chat,
): Chat {
  const [chat] = useState(make);
  useEffect(() => {
    void chat.connect();
    return () => chat.disconnect();
  }, [chat]);
  return chat;
}

/** Returns the value, and renders again with each change. */
export function useObservable<Value>(observable: Observable<Value>): Value {
  const subscribe = useCallback(
    (onChange: () => void) => observable.subscribe(onChange),
    [observable],
  );
  const read = (): Value => observable.value;
  return useSyncExternalStore(subscribe, read, read);
}

/** Returns how the connection stands. */
export function useConnection(chat: ChatApi): ConnectionState {
  return useObservable(chat.state);
}

/** Returns the messages that wait or have failed. */
export function useOutbox(chat: ChatApi): readonly Entry[] {
  return useObservable(useMemo(() => outboxOf(chat), [chat]));
}

/** Returns the conversations, newest activity first. `store.conversations.more()` loads more. */
export function useConversations(store: ChatStore): ConversationListState {
  return useObservable(store.conversations);
}

/** Returns the messages of a conversation. `store.messages(id).older()` loads older ones. */
export function useMessages(store: ChatStore, conversationId: string): MessageListState {
  return useObservable(store.messages(conversationId));
}

/** Returns the ids of those who type. */
export function useTyping(store: ChatStore, conversationId: string): readonly string[] {
  return useObservable(store.typing(conversationId));
}

/** Returns the presence of a user, who is watched while the component is there. */
export function usePresence(store: ChatStore, userId: string): Presence {
  return useObservable(useMemo(() => store.presence({ user_id: userId }), [store, userId]));
}

/** Returns the presence of a business, which is watched while the component is there. */
export function useBusinessPresence(store: ChatStore, businessId: string): Presence {
  const find = () => store.presence({ business_id: businessId });
  return useObservable(useMemo(find, [store, businessId]));
}

/** Returns a view of an inbox, and a function that loads more of it. */
export function useInbox(
  businesses: Businesses,
  businessId: string,
  view: InboxView,
): InboxState & { more: () => Promise<void> } {
  const find = () => businesses.inbox(businessId, view);
  const inbox = useMemo(find, [businesses, businessId, view]);
  return { ...useObservable(inbox), more: () => inbox.more() };
}

/** The outbox makes its list anew for each caller, and React needs one that stays the same. */
function outboxOf({ outbox, on }: ChatApi): Observable<readonly Entry[]> {
  let value = outbox.list();
  return {
    get value() {
      return value;
    },
    subscribe(onChange) {
      value = outbox.list();
      return on('outbox', () => {
        value = outbox.list();
        onChange();
      });
    },
  };
}

import { useRef } from 'preact/hooks';
import { AnyConversation } from '../business/any-conversation.tsx';
import { Inbox } from '../business/inbox.tsx';
import { ConversationList } from '../list/conversation-list.tsx';
import { Icon } from '../parts/icon.tsx';
import { useEscape } from '../parts/use-escape.ts';
import { go, usePlace } from './place.ts';
import { Sidebar } from './sidebar.tsx';
import { useFocusOnChange } from './use-focus-on-change.ts';
import { useSwitchPane } from './use-switch-pane.ts';
import { useTitle } from './use-title.ts';

/** A list stands on the left and a conversation on the right. A narrow window shows one of them. */
export function Chat() {
  const place = usePlace();
  const { conversationId, ...list } = place;
  const stage = useRef<HTMLElement>(null);
  useEscape(() => conversationId && go(list));
  useFocusOnChange(place);
  useSwitchPane();
  useTitle();
  return (
    <div class={`chat ${conversationId ? 'chat-open' : ''}`}>
      <button type="button" class="skip button" onClick={() => stage.current?.focus()}>
        Skip to the conversation
      </button>
      <Sidebar place={place}>
        {place.kind === 'inbox' ? (
          <Inbox key={place.businessId} {...place} />
        ) : (
          <ConversationList {...(conversationId && { conversationId })} />
        )}
      </Sidebar>
      <main class="stage" ref={stage} tabIndex={-1}>
        {conversationId ? (
          <AnyConversation key={conversationId} conversationId={conversationId} />
        ) : (
          <div class="stage-empty">
            <Icon name="chat" />
            <p>Choose a conversation to read it here.</p>
          </div>
        )}
      </main>
    </div>
  );
}

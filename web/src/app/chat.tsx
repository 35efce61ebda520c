import { AnyConversation } from '../business/any-conversation.tsx';
import { Inbox } from '../business/inbox.tsx';
import { ConversationList } from '../list/conversation-list.tsx';
import { useEscape } from '../parts/use-escape.ts';
import { go, usePlace } from './place.ts';
import { Sidebar } from './sidebar.tsx';

/** A list stands on the left and a conversation on the right. A narrow window shows one of them. */
export function Chat() {
  const place = usePlace();
  const { conversationId, ...list } = place;
  useEscape(() => conversationId && go(list));
  return (
    <div class={`chat ${conversationId ? 'chat-open' : ''}`}>
      <Sidebar place={place}>
        {place.kind === 'inbox' ? (
          <Inbox key={place.businessId} {...place} />
        ) : (
          <ConversationList {...(conversationId && { conversationId })} />
        )}
      </Sidebar>
      <main class="stage">
        {conversationId ? (
          <AnyConversation key={conversationId} conversationId={conversationId} />
        ) : (
          <p class="stage-empty">Choose a conversation to read it here.</p>
        )}
      </main>
    </div>
  );
}

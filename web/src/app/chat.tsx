import { BusinessBar } from '../business/business-bar.tsx';
import { Inbox } from '../business/inbox.tsx';
import { ConversationView } from '../conversation/conversation-view.tsx';
import { ConversationList } from '../list/conversation-list.tsx';
import { useEscape } from '../parts/use-escape.ts';
import { go, usePlace } from './place.ts';
import { useSession } from './session.ts';
import { Sidebar } from './sidebar.tsx';

/** A list stands on the left and a conversation on the right. A narrow window shows one of them. */
export function Chat() {
  const place = usePlace();
  const { worksFor } = useSession();
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
          <ConversationView
            key={conversationId}
            conversationId={conversationId}
            {...(worksFor.length > 0 && { bar: <BusinessBar conversationId={conversationId} /> })}
          />
        ) : (
          <p class="stage-empty">Choose a conversation to read it here.</p>
        )}
      </main>
    </div>
  );
}

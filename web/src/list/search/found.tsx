import type { ChatApi } from '../../../../clients/js/src/chat-api.ts';
import type { SearchPage } from '../../../../clients/js/src/protocol/requests.ts';
import { hashOf } from '../../app/place.ts';
import { useSession } from '../../app/session.ts';
import { useValue } from '../../app/use-value.ts';
import { Avatar } from '../../parts/avatar.tsx';
import { sayError } from '../../parts/errors.ts';
import { relativeTime } from '../../parts/times.ts';
import { Rows } from '../rows.tsx';
import { matches, piecesOf } from './matches.ts';
import { useSearch } from './use-search.ts';

type Props = { words: string; conversationId: string | undefined };

const BY_NAME = {
  name: 'names',
  run: async (chat: ChatApi, q: string) => (await chat.listConversations({ q })).conversations,
};
const IN_TEXTS = { name: 'texts', run: (chat: ChatApi, q: string) => chat.search({ q }) };

/** Shows the conversations and messages in which the words were found. */
export function Found({ words, conversationId }: Props) {
  const { chat, store } = useSession();
  const { conversations: known, hasMore } = useValue(store.conversations);
  const names = useSearch(chat, BY_NAME, words);
  const texts = useSearch(chat, IN_TEXTS, words);
  const here = known.filter((one) => matches(one, words));
  const ids = new Set(here.map(({ conversation_id: id }) => id));
  const others = names.result?.filter(({ conversation_id: id }) => !ids.has(id)) ?? [];
  const found = [...here, ...others];
  // A server that cannot look for names gives page after page, and they are looked through here.
  const isReading = hasMore && names.result === undefined;
  const isNothing = found.length === 0 && !isReading && !texts.result?.results.length;
  return (
    <div class="list-scroll">
      <Rows
        label="Conversations found"
        {...{ conversations: found, conversationId }}
        onEnd={isReading ? store.conversations.more : undefined}
      />
      {texts.result && texts.result.results.length > 0 && <Texts results={texts.result.results} />}
      {texts.error && <p class="list-note">{sayError(texts.error)}</p>}
      {isNothing && (
        <p class="list-note" role="status" dir="auto">
          Nothing found for “{words}”.
        </p>
      )}
    </div>
  );
}

function Texts({ results }: { results: SearchPage['results'] }) {
  const { store, nameOf } = useSession();
  return (
    <>
      <h2 class="list-heading">Messages</h2>
      <ul class="rows" aria-label="Messages found">
        {results.map(({ message, conversation_id: conversationId, ranges }) => {
          const { name = 'Conversation' } = store.conversations.get(conversationId) ?? {};
          return (
            <li key={message.message_id}>
              <a class="row" href={hashOf({ kind: 'conversations', conversationId })}>
                <Avatar id={message.sender_id} name={nameOf(message.sender_id) ?? '?'} />
                <span class="row-line">
                  <span class="row-name" dir="auto">
                    {name}
                  </span>
                  <span class="row-time">{relativeTime(message.sent_at)}</span>
                </span>
                <span class="row-line">
                  <span class="row-last" dir="auto">
                    {piecesOf(message.content ?? '', ranges).map(({ text, isFound, start }) =>
                      isFound ? <mark key={start}>{text}</mark> : text,
                    )}
                  </span>
                </span>
              </a>
            </li>
          );
        })}
      </ul>
    </>
  );
}

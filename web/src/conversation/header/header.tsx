import { useEffect, useReducer } from 'preact/hooks';
import type { Conversation } from '../../../../clients/js/src/index.ts';
import { hashOf, type Place, usePlace } from '../../app/place.ts';
import { useSession } from '../../app/session.ts';
import { useValue } from '../../app/use-value.ts';
import { Avatar } from '../../parts/avatar.tsx';
import { Icon } from '../../parts/icon.tsx';
import { faceOf, isAgentOf, type PersonOf } from '../people.ts';
import { usePresence } from './presence.tsx';
import { sayPresence, sayTyping } from './presence-text.ts';

type Props = { conversation: Conversation; personOf: PersonOf; onDetails: () => void };

/** The head of a conversation says whom one talks to, whether they are there, and who types. */
export function Header({ conversation, personOf, onDetails }: Props) {
  const { userId } = useSession();
  const place = usePlace();
  const isAgent = isAgentOf(conversation, userId);
  const face = faceOf(conversation, userId);
  const { name } = face;
  return (
    <header class="conversation-head">
      <a class="icon-button conversation-back" href={hashOf(listOf(place))} aria-label="Back">
        <Icon name="back" />
      </a>
      <Avatar {...face} />
      <div class="conversation-who">
        <h2 class="conversation-name" dir="auto">
          {name}
          {conversation.is_muted && (
            <span class="conversation-muted">
              <Icon name="mute" />
              <span class="hidden">muted</span>
            </span>
          )}
        </h2>
        <Subtitle conversation={conversation} personOf={personOf} isAgent={isAgent} />
      </div>
      <button type="button" class="icon-button" aria-label="Details" onClick={onDetails}>
        <Icon name="info" />
      </button>
    </header>
  );
}

function listOf(place: Place): Place {
  const { conversationId: _conversation, ...list } = place;
  return list;
}

type SubtitleProps = { conversation: Conversation; personOf: PersonOf; isAgent: boolean };

function Subtitle({ conversation, personOf, isAgent }: SubtitleProps) {
  const { store, userId } = useSession();
  const { conversation_id: id, participants, type } = conversation;
  const typists = useValue(store.typing(id)).filter((one) => one !== userId);
  const typing = sayTyping(
    typists.map((one) => personOf(one).name),
    type !== 'group',
  );
  const others = participants.filter(({ user_id: one }) => one !== userId);
  const one = isAgent ? others.find(({ role }) => role === 'customer') : others[0];
  return (
    <p class={`conversation-state ${typing ? 'is-typing' : ''}`}>
      {typing ||
        (type === 'group' ? (
          <span dir="auto">{['You', ...others.map(({ name }) => name)].join(', ')}</span>
        ) : type === 'business' && !isAgent ? (
          'Business'
        ) : (
          <PresenceText who={{ user_id: one?.user_id ?? userId }} />
        ))}
    </p>
  );
}

const REDRAWN_MS = 60_000;

function PresenceText({ who }: { who: { user_id: string } }) {
  const presence = usePresence(who);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => redraw(undefined), REDRAWN_MS);
    return () => clearInterval(timer);
  }, []);
  const { status } = presence;
  return (
    <>
      {status !== 'unknown' && <span class={`dot dot-${status}`} aria-hidden="true" />}
      {sayPresence(presence)}
    </>
  );
}

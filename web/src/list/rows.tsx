import { useEffect, useRef } from 'preact/hooks';
import type { Conversation } from '../../../clients/js/src/protocol/shapes.ts';
import { useNow } from '../business/use-now.ts';
import { useOnScreen } from '../parts/on-screen.ts';
import { relativeTime } from '../parts/times.ts';
import { ConversationRow } from './conversation-row.tsx';

type Props = {
  label: string;
  conversations: readonly Conversation[];
  conversationId: string | undefined;
  /** More is loaded when the user comes near the end. */
  onEnd?: (() => void) | undefined;
};

/**
 * Shows conversations, however many they are. The browser skips the rows that are not on the
 * screen. The Tab key reaches one row, and the arrow keys go from there to the others.
 */
export function Rows({ label, conversations, conversationId, onEnd }: Props) {
  const now = new Date(useNow());
  const isHere = conversations.some(({ conversation_id: id }) => id === conversationId);
  return (
    <>
      <ul class="rows" aria-label={label} onKeyDown={onKeyDown}>
        {conversations.map((conversation, index) => {
          const { conversation_id: id } = conversation;
          return (
            <li key={id} class="row-item">
              <ConversationRow
                conversation={conversation}
                time={relativeTime(conversation.last_activity, now)}
                isCurrent={id === conversationId}
                isTabStop={isHere ? id === conversationId : index === 0}
              />
            </li>
          );
        })}
      </ul>
      {onEnd && <End above={conversations} onReached={onEnd} />}
    </>
  );
}

/**
 * The end of the list tells when it comes near the screen, and again whenever the list above it
 * changes while it is there: a page may bring nothing but what events had brought.
 */
function End({ above, onReached }: { above: readonly Conversation[]; onReached: () => void }) {
  const end = useRef<HTMLParagraphElement>(null);
  const isOnScreen = useOnScreen(end);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of the list tells again.
  useEffect(() => {
    if (isOnScreen) onReached();
  }, [isOnScreen, onReached, above]);
  return (
    <p ref={end} class="list-note">
      Loading …
    </p>
  );
}

const STEPS: Readonly<Record<string, (at: number, last: number) => number>> = {
  ArrowDown: (at, last) => Math.min(at + 1, last),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_, last) => last,
};

function onKeyDown(event: KeyboardEvent): void {
  const step = STEPS[event.key];
  const list = event.currentTarget as HTMLElement;
  const rows = [...list.querySelectorAll<HTMLElement>('.row')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  if (step === undefined || at < 0) return;
  event.preventDefault();
  rows[step(at, rows.length - 1)]?.focus();
}

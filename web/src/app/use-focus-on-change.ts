import { useEffect, useRef } from 'preact/hooks';
import { hashOf, type Place } from './place.ts';

/** On a device without a mouse, a focused text field brings up a keyboard over half the screen. */
const HAS_MOUSE = '(pointer: fine)';

/**
 * The focus follows the user. It goes into the text field of a conversation that is opened, or to
 * the conversation if nothing can be written there, and back to its row when it is closed.
 */
export function useFocusOnChange(place: Place): void {
  const last = useRef<Place>(place);
  useEffect(() => {
    const from = last.current;
    last.current = place;
    if (from.conversationId === place.conversationId) return;
    if (place.conversationId !== undefined) focusConversation();
    else document.querySelector<HTMLElement>(`.sidebar a[href="${hashOf(from)}"]`)?.focus();
  });
}

function focusConversation(): void {
  const stage = document.querySelector<HTMLElement>('.stage');
  const field = stage?.querySelector<HTMLElement>('textarea');
  if (field && matchMedia(HAS_MOUSE).matches) field.focus();
  else stage?.focus();
}

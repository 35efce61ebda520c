import { useEffect, useState } from 'preact/hooks';
import type { InboxView } from '../../../clients/js/src/protocol/requests.ts';

/** The place is where the user is in the page, and stands in the hash of its address. */
export type Place =
  | { kind: 'conversations'; conversationId?: string }
  | { kind: 'inbox'; businessId: string; view: InboxView; conversationId?: string };

const VIEWS: readonly string[] = ['waiting', 'mine', 'assigned', 'closed'] satisfies InboxView[];

/** Reads a hash such as `#/c/<id>` or `#/inbox/<business>/waiting/<id>`. */
export function placeOf(hash: string): Place {
  const [kind, ...parts] = hash.replace(/^#\/?/, '').split('/').map(decoded);
  if (kind === 'inbox') {
    const [businessId, view, conversationId] = parts;
    if (businessId && view !== undefined && VIEWS.includes(view)) {
      const inbox = { kind: 'inbox', businessId, view: view as InboxView } as const;
      return conversationId ? { ...inbox, conversationId } : inbox;
    }
  }
  const [conversationId] = parts;
  if (kind === 'c' && conversationId) return { kind: 'conversations', conversationId };
  return { kind: 'conversations' };
}

export function hashOf(place: Place): string {
  const { conversationId } = place;
  const steps =
    place.kind === 'inbox'
      ? ['inbox', place.businessId, place.view, conversationId]
      : conversationId
        ? ['c', conversationId]
        : [];
  const known = steps.filter((step) => step !== undefined);
  return `#/${known.map(encodeURIComponent).join('/')}`;
}

/** Goes to a place. The browser's way back leads to where the user was. */
export function go(place: Place): void {
  location.hash = hashOf(place);
}

/** Returns the place, and draws again when the user goes to another one. */
export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const look = (): void => setHash(location.hash);
    look();
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  return placeOf(hash);
}

/** An address that somebody wrote by hand may hold a malformed escape. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    void error;
    return '';
  }
}

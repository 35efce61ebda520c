import type { Observable } from '../events/observable.ts';
import type { Platform } from '../platform/platform.ts';
import type { ServerFrames } from '../protocol/events.ts';
import { createKeyedSubjects } from './keyed-subjects.ts';

export type Typists = {
  /** The ids of those who type in a conversation. */
  of(conversationId: string): Observable<readonly string[]>;
  take(typing: ServerFrames['typing']): void;
  clear(): void;
};

/** Typing ends by itself after this time. */
const TYPING_MS = 5_000;
const NOBODY: readonly string[] = [];

/** Knows who types where. */
export function createTypists({ after }: Platform): Typists {
  const typists = createKeyedSubjects(NOBODY);
  const stops = new Map<string, () => void>();

  const take = ({ conversation_id, user_id, is_typing }: ServerFrames['typing']): void => {
    const key = conversation_id + user_id;
    stops.get(key)?.();
    stops.delete(key);
    const subject = typists.of(conversation_id);
    const others = subject.value.filter((id) => id !== user_id);
    if (is_typing) {
      others.push(user_id);
      const stop = (): void => take({ conversation_id, user_id, is_typing: false });
      stops.set(key, after(TYPING_MS, stop));
    }
    subject.set(others.length > 0 ? others : NOBODY);
  };
  return { of: typists.of, take, clear: typists.clear };
}

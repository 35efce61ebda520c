import type { ChatApi } from '../chat-api.ts';

/** Others are told again so often while somebody types. The server forgets it after 5 s. */
const REPEAT_MS = 3_000;

export type TypingNotes = {
  /** The application calls this with each key that is pressed, and with false when all is gone. */
  set(conversationId: string, isTyping: boolean): void;
  /** A message ends the typing of its sender, and the server knows that. */
  sent(conversationId: string): void;
};

/** Tells others that the user types, and not with each key. */
export function createTypingNotes({ platform: { now }, setTyping }: ChatApi): TypingNotes {
  /** The others were told at this time. */
  const toldAt = new Map<string, number>();
  return {
    set(conversation_id, is_typing) {
      const at = toldAt.get(conversation_id);
      if (is_typing ? now() - (at ?? 0) < REPEAT_MS : !at) return;
      if (is_typing) toldAt.set(conversation_id, now());
      else toldAt.delete(conversation_id);
      setTyping(conversation_id, is_typing);
    },
    sent: (conversationId) => void toldAt.delete(conversationId),
  };
}

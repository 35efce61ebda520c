import type { ChatApi } from '../chat-api.ts';
import { ChatError } from '../errors.ts';

export type Reads = {
  mark(conversationId: string, seq: number): void;
  /** A session has begun. */
  resume(): void;
  clear(): void;
};

/**
 * Tells the server how far the user has read. A conversation has one request under way, and only
 * the highest position is told after it. What cannot be told now is told in the next session, and
 * what the server refuses is forgotten.
 */
export function createReads(chat: ChatApi): Reads {
  const wanted = new Map<string, number>();
  const telling = new Set<string>();

  const tell = async (conversation_id: string): Promise<void> => {
    const seq = wanted.get(conversation_id);
    if (!seq || telling.has(conversation_id)) return;
    telling.add(conversation_id);
    const error = await chat.read(conversation_id, seq).then(() => undefined, ChatError.from);
    telling.delete(conversation_id);
    if (error?.isRetryable || error?.code === 'CLOSED') return;
    if (wanted.get(conversation_id) === seq) wanted.delete(conversation_id);
    else void tell(conversation_id);
  };
  return {
    mark(conversationId, seq) {
      wanted.set(conversationId, Math.max(seq, wanted.get(conversationId) ?? 0));
      void tell(conversationId);
    },
    resume() {
      for (const conversationId of wanted.keys()) void tell(conversationId);
    },
    clear: () => wanted.clear(),
  };
}

import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId } from '../../../shared/ids.ts';
import { settleBatch, takeBatch, type Waiting } from './append-batch.ts';
import type { BatchWriter } from './append-writer.ts';

type ConversationLanes = {
  push(waiting: Waiting): void;
  /** The promise resolves when no send waits in a lane. */
  idle(): Promise<void>;
};

/**
 * Each conversation has a lane of its own, in which its sends are written in the order of arrival,
 * and wait for its locks without delaying other conversations. At most `lanesMax` conversations
 * write at a time; further ones wait for their turn. The callers bound how many sends wait.
 */
export function createConversationLanes(writer: BatchWriter, lanesMax: number): ConversationLanes {
  const queues = new Map<ConversationId, Waiting[]>();
  const active = new Map<ConversationId, Promise<void>>();

  const run = async (id: ConversationId, queue: Waiting[]): Promise<void> => {
    // Every send that arrives in this turn of the event loop joins the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0) {
      const locked = await settleBatch(writer, takeBatch(queue), true);
      for (const { reject } of locked) reject(new KahaError('DATABASE_UNAVAILABLE', 'Busy'));
    }
    active.delete(id);
    queues.delete(id);
    startNext();
  };
  const startNext = (): void => {
    for (const [id, queue] of queues) {
      if (active.size >= lanesMax) return;
      if (!active.has(id)) active.set(id, run(id, queue));
    }
  };
  return {
    push(waiting) {
      const id = waiting.message.conversation_id;
      const queue = queues.get(id);
      if (queue === undefined) queues.set(id, [waiting]);
      else queue.push(waiting);
      startNext();
    },
    async idle() {
      while (active.size > 0) await Promise.all(active.values());
    },
  };
}

import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId } from '../../../shared/ids.ts';
import { settleBatch, takeBatch, type Waiting } from './append-batch.ts';
import { type BatchWriter, LOCKED_LANES_MAX } from './append-writer.ts';

type LockedLane = {
  push(waiting: Waiting): void;
  /** The promise resolves when no send waits in the lane. */
  idle(): Promise<void>;
};

/**
 * The locked lane writes the sends whose conversation another transaction has locked. Each
 * conversation waits for its locks alone, beside the main lane. The group commit's limit on pending
 * sends bounds this lane too.
 */
export function createLockedLane(writer: BatchWriter): LockedLane {
  const queues = new Map<ConversationId, Waiting[]>();
  const active = new Map<ConversationId, Promise<void>>();

  const run = async (id: ConversationId, queue: Waiting[]): Promise<void> => {
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
      if (active.size >= LOCKED_LANES_MAX) return;
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

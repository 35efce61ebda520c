import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { settleBatch, takeBatch, type Waiting } from './append-batch.ts';
import type { BatchWriter } from './append-writer.ts';

type ConversationLanes = {
  /** A conversation always has the same owner. */
  push(waiting: Waiting, ownerId: string): void;
  /** The promise resolves when no send waits in a lane. */
  idle(): Promise<void>;
};

type LanesOptions = {
  /** At most this many conversations write at a time. */
  lanesMax: number;
  /** At most this many of them have the same owner. */
  ownerLanesMax: number;
  /** The lanes call it after each batch. */
  observe?: (rows: number, seconds: number) => void;
};

/** A conversation has a queue while its sends wait or are written. */
type Owner = { queues: Map<ConversationId, Waiting[]>; writing: Set<ConversationId> };
type Turn = { id: ConversationId; queue: Waiting[]; ownerId: string; owner: Owner };

/**
 * Sends of one conversation are written in the order of their arrival, and wait for its locks
 * without delaying other conversations. Owners take turns, and so do the conversations of an owner.
 * A turn is one batch of one conversation, so an owner with many conversations delays another owner
 * by a batch at most. The callers bound how many sends wait.
 */
export function createConversationLanes(
  writer: BatchWriter,
  { lanesMax, ownerLanesMax, observe }: LanesOptions,
): ConversationLanes {
  const owners = new Map<string, Owner>();
  const running = new Set<Promise<void>>();

  const startNext = (): void => {
    while (running.size < lanesMax) {
      const turn = nextTurn(owners, ownerLanesMax);
      if (turn === undefined) return;
      const run: Promise<void> = take(turn).finally(() => {
        running.delete(run);
        startNext();
      });
      running.add(run);
    }
  };
  const take = async ({ id, queue, ownerId, owner }: Turn): Promise<void> => {
    // Every send that arrives in this turn of the event loop joins the batch.
    await new Promise((resolve) => setImmediate(resolve));
    const batch = takeBatch(queue);
    const startedAt = steadyMs();
    try {
      const locked = await settleBatch(writer, batch, true);
      for (const { reject } of locked) reject(new KahaError('DATABASE_UNAVAILABLE', 'Busy'));
      observe?.(batch.length, (steadyMs() - startedAt) / 1000);
    } finally {
      owner.writing.delete(id);
      owner.queues.delete(id);
      if (queue.length > 0) owner.queues.set(id, queue);
      owners.delete(ownerId);
      if (owner.queues.size > 0) owners.set(ownerId, owner);
    }
  };
  return {
    push(waiting, ownerId) {
      const id = waiting.message.conversation_id;
      const owner = owners.get(ownerId) ?? { queues: new Map(), writing: new Set() };
      owners.set(ownerId, owner);
      const queue = owner.queues.get(id);
      if (queue === undefined) owner.queues.set(id, [waiting]);
      else queue.push(waiting);
      startNext();
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

/**
 * Owners go to the end of their line when they get a turn, and again when it ends. So do the
 * conversations of an owner when a turn ends. The loops pass over those alone that are writing, so
 * they are short.
 */
function nextTurn(owners: Map<string, Owner>, ownerLanesMax: number): Turn | undefined {
  for (const [ownerId, owner] of owners) {
    if (owner.writing.size >= ownerLanesMax) continue;
    for (const [id, queue] of owner.queues) {
      if (owner.writing.has(id)) continue;
      owner.writing.add(id);
      owners.delete(ownerId);
      owners.set(ownerId, owner);
      return { id, queue, ownerId, owner };
    }
  }
  return undefined;
}

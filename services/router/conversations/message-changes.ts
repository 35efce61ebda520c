import type {
  HistoryMessage,
  MessageEdit,
  MessageReaction,
  MessageTarget,
  Reaction,
} from '../../../shared/contracts/messages.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type { MessageId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { deliveryOf } from '../fan-out/deliveries.ts';
import type { OwedFanOuts } from '../fan-out/owed-fan-outs.ts';
import type { ConversationActors } from './conversation-actors.ts';
import { Turns } from './turns.ts';

type Deps = { store: AskStore; fanOuts: OwedFanOuts; actors: ConversationActors };
type Context = { deadlineAt: number; trace: string | undefined };

/**
 * Changes messages, and tells all participants who can see the message. Changes of one message run
 * one at a time. Several at once would only wait for the message's lock in the database, each on a
 * connection, and their events would change places. The conversation's appends go on meanwhile.
 * Only the event of a change waits for the append in flight, so that it does not overtake the event
 * of its message. While too many events are on their way, a change waits like an append.
 */
export class MessageChanges {
  readonly #deps: Deps;
  readonly #turns = new Turns<MessageId>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Counts the messages that are being changed. */
  get size(): number {
    return this.#turns.size;
  }

  async edit(request: MessageEdit, context: Context): Promise<HistoryMessage> {
    const { content, ...rest } = request;
    const body = { ...targetOf(rest), content };
    const ask = () => this.#deps.store('messages.edit', body, context);
    return (await this.#run(request, ask)).message;
  }

  async delete(request: MessageTarget, context: Context): Promise<HistoryMessage> {
    const ask = () => this.#deps.store('messages.delete', targetOf(request), context);
    return (await this.#run(request, ask)).message;
  }

  async react(request: MessageReaction, context: Context): Promise<{ reactions: Reaction[] }> {
    const { emoji, remove = false } = request;
    const body = { ...targetOf(request), emoji, remove };
    const ask = () => this.#deps.store('messages.react', body, context);
    const { reactions } = await this.#run(request, ask);
    return { reactions };
  }

  /** Resolves when every change that was begun has been told. */
  drained(): Promise<void> {
    return this.#turns.drained();
  }

  /**
   * Runs a change in the message's turn. Resolves once store has committed the change. The turn
   * lasts until the fan-out of the event has started, so that the events of one message leave in
   * the order of its changes.
   */
  #run<Changed extends { entry?: OutboxEntry }>(
    { message_id, place }: MessageTarget,
    ask: () => Promise<Changed>,
  ): Promise<Changed> {
    const { actors, fanOuts } = this.#deps;
    return new Promise((resolve, reject) => {
      const turn = this.#turns.run(message_id, async () => {
        await fanOuts.room();
        const changed = await ask();
        resolve(changed);
        const { entry } = changed;
        if (entry === undefined) return;
        await actors.settled(place.conversation_id);
        fanOuts.start(deliveryOf(entry));
      });
      turn.catch(reject);
    });
  }
}

/** Returns the target without the name of the operation. */
function targetOf({ user_id, message_id, place }: MessageTarget): MessageTarget {
  return { user_id, message_id, place };
}

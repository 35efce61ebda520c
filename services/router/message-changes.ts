import type {
  HistoryMessage,
  MessageEdit,
  MessageReaction,
  MessageTarget,
  OutboxEntry,
  Reaction,
} from '../../shared/rpc.ts';
import { updateDelivery } from './message-updated-event.ts';
import type { OwedFanOuts } from './owed-fan-outs.ts';
import type { Store } from './store-client.ts';

type Context = { deadlineAt: number; trace: string | undefined };

/** Changes of messages: answered on commit, then told to all who can see the message. */
export type MessageChanges = {
  edit(request: MessageEdit, context: Context): Promise<HistoryMessage>;
  delete(request: MessageTarget, context: Context): Promise<HistoryMessage>;
  react(request: MessageReaction, context: Context): Promise<{ reactions: Reaction[] }>;
};

export function createMessageChanges(deps: { store: Store; fanOuts: OwedFanOuts }): MessageChanges {
  const { store, fanOuts } = deps;
  const tell = (entry: OutboxEntry | undefined): void => {
    if (entry?.kind === 'message_updated') fanOuts.start(updateDelivery(entry));
  };
  return {
    async edit({ user_id, message_id, place, content }, context) {
      const request = { user_id, message_id, place, content };
      const { message, entry } = await store('messages.edit', request, context);
      tell(entry);
      return message;
    },
    async delete({ user_id, message_id, place }, context) {
      const request = { user_id, message_id, place };
      const { message, entry } = await store('messages.delete', request, context);
      tell(entry);
      return message;
    },
    async react({ user_id, message_id, place, emoji, remove = false }, context) {
      const request = { user_id, message_id, place, emoji, remove };
      const { reactions, entry } = await store('messages.react', request, context);
      tell(entry);
      return { reactions };
    },
  };
}

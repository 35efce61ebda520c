import type {
  ConversationCommand,
  ConversationCreate,
  ConversationRecord,
} from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { deliveryOf } from '../fan-out/durable-events.ts';
import type { OwedFanOuts } from '../fan-out/owed-fan-outs.ts';
import type { ConversationActors } from './conversation-actors.ts';

type Deps = {
  store: AskStore;
  fanOuts: OwedFanOuts;
  actors: Pick<ConversationActors, 'change'>;
};
type Context = { deadlineAt: number; trace: string | undefined };
type Created = { created: boolean; record: ConversationRecord };

/**
 * Carries out the commands that make and change conversations. Their answers show the conversation
 * as the caller then sees it.
 */
export type Conversations = {
  /** Makes a conversation, and announces a new one to all participants. */
  create(request: ConversationCreate, context: Context): Promise<Created>;
  /** Carries out a change after which the caller still takes part. */
  change(command: ConversationCommand, context: Context): Promise<ConversationRecord>;
  /** Carries out a change after which the caller is shown nothing. */
  changeUnseen(command: ConversationCommand, context: Context): Promise<void>;
};

export function createConversations({ store, fanOuts, actors }: Deps): Conversations {
  return {
    async create({ user_id: userId, conversation }, context) {
      const request = { user_id: userId, conversation };
      const { created, record, entry } = await store('conversations.create', request, context);
      if (entry !== undefined) fanOuts.start(deliveryOf(entry));
      return { created, record };
    },
    async change(command, context) {
      const { record } = await actors.change(command, context);
      if (record === undefined) throw new KahaError('INTERNAL', 'Store shows no conversation');
      return record;
    },
    async changeUnseen(command, context) {
      await actors.change(command, context);
    },
  };
}

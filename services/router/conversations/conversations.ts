import type {
  ConversationCommand,
  ConversationsList,
} from '../../../shared/contracts/conversations.ts';
import type {
  ConversationCreated,
  ConversationPage,
} from '../../../shared/contracts/router-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import { viewOf } from '../../../shared/names/conversation-view.ts';
import type { LookUpNames } from '../../../shared/names/record-names.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { ConversationInput } from '../../../shared/protocol/conversation-requests.ts';
import type { ConversationShape } from '../../../shared/protocol/shapes.ts';
import { deliveryOf } from '../fan-out/conversation-event.ts';
import type { OwedFanOuts } from '../fan-out/owed-fan-outs.ts';
import type { ConversationActors } from './conversation-actors.ts';

type Deps = {
  store: AskStore;
  lookUpNames: LookUpNames;
  fanOuts: OwedFanOuts;
  actors: Pick<ConversationActors, 'change'>;
};
type Context = { deadlineAt: number; trace: string | undefined };

/** Conversations as clients see them: store's records with the names of profiles. */
export type Conversations = {
  /** A new one is announced to all who take part. */
  create(
    request: { user_id: UserId; conversation: ConversationInput },
    context: Context,
  ): Promise<ConversationCreated>;
  get(
    request: { user_id: UserId; conversation_id: ConversationId },
    context: Context,
  ): Promise<ConversationShape>;
  list(request: ConversationsList, context: Context): Promise<ConversationPage>;
  /** A change after which the caller still takes part, and sees what the conversation is now. */
  change(command: ConversationCommand, context: Context): Promise<ConversationShape>;
  changeUnseen(command: ConversationCommand, context: Context): Promise<void>;
};

export function createConversations({ store, lookUpNames, fanOuts, actors }: Deps): Conversations {
  return {
    async create({ user_id: userId, conversation }, context) {
      const request = { user_id: userId, conversation };
      const { created, record, entry } = await store('conversations.create', request, context);
      if (entry !== undefined) fanOuts.start(deliveryOf(entry));
      return { conversation: viewOf(record, userId, await lookUpNames([record])), created };
    },
    async get({ user_id: userId, conversation_id: id }, context) {
      const request = { user_id: userId, conversation_id: id };
      const { record } = await store('conversations.get', request, context);
      return viewOf(record, userId, await lookUpNames([record]));
    },
    async list({ user_id: userId, limit, cursor, archived }, context) {
      const request: ConversationsList = { user_id: userId };
      if (limit !== undefined) request.limit = limit;
      if (cursor !== undefined) request.cursor = cursor;
      if (archived !== undefined) request.archived = archived;
      const page = await store('conversations.list', request, context);
      const names = await lookUpNames(page.records);
      return {
        conversations: page.records.map((record) => viewOf(record, userId, names)),
        next_cursor: page.next_cursor,
      };
    },
    async change(command, context) {
      const { record } = await actors.change(command, context);
      if (record === undefined) throw new KahaError('INTERNAL', 'Store shows no conversation');
      return viewOf(record, command.user_id, await lookUpNames([record]));
    },
    async changeUnseen(command, context) {
      await actors.change(command, context);
    },
  };
}

import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { HistoryMessage } from '../../../shared/contracts/messages.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { createRandom } from './random.ts';
import { append, letter, type StoreParts, type setStage } from './store-stage.ts';

type Sql = Awaited<ReturnType<typeof setStage>>['sql'];
type Reply = { message_id: MessageId; sender_id: UserId; content: string; isDeleted: boolean };
/** A person sees this of a message. Who reacted stands in the world, because nobody is shown it. */
type ShownMessage = {
  message_id: MessageId;
  seq: number;
  sender_id: UserId;
  message_type: string;
  content: string | undefined;
  client_msg_id: string | undefined;
  metadata: Record<string, unknown> | undefined;
  isDeleted: boolean;
  reply_to: (Reply & { isSystem: boolean }) | undefined;
  reactors: [emoji: string, userId: UserId][];
};
export type Shown = {
  type: string;
  title: string | undefined;
  participants: UserId[];
  messages: ShownMessage[];
};

const PEOPLE = 5;
const EMOJIS = ['👍', '🎉'];
/** Refusals are a part of random acts. */
const REFUSED: readonly string[] = [
  'CONFLICT',
  'FORBIDDEN',
  'INVALID_REQUEST',
  'MESSAGE_NOT_FOUND',
  'NOT_A_PARTICIPANT',
  'NOT_FOUND',
];

/** Some people talk to each other, each act at random, and again the same way for the same seed. */
export class ErasureWorld {
  readonly people = Array.from({ length: PEOPLE }, () => newId<UserId>());
  readonly conversations = new Set<ConversationId>();
  readonly random: (limit: number) => number;
  readonly #store: StoreParts;
  readonly #sql: Sql;
  readonly #groups: ConversationId[] = [];

  constructor(store: StoreParts, sql: Sql, seed: number) {
    this.#store = store;
    this.#sql = sql;
    this.random = createRandom(seed);
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.random(items.length)] as Item;
  }

  async act(): Promise<void> {
    const user = this.one(this.people);
    try {
      if (this.conversations.size < 3 || this.random(12) === 0) await this.#create(user);
      else await this.#actIn(user, this.one([...this.conversations]));
    } catch (error) {
      if (!REFUSED.includes(KahaError.from(error).code)) throw error;
    }
  }

  async #create(user_id: UserId): Promise<void> {
    const { operations } = this.#store;
    const type = this.one(['direct', 'group'] as const);
    const others = this.people.filter((id) => id !== user_id);
    const count = type === 'direct' ? 1 : 1 + this.random(2);
    const participant_ids = Array.from({ length: count }, () => this.one(others));
    const conversation = { type, participant_ids };
    const { record } = await operations['conversations.create']({ user_id, conversation }, 0);
    this.conversations.add(record.conversation_id);
    if (type === 'group') this.#groups.push(record.conversation_id);
  }

  async #actIn(user_id: UserId, conversation_id: ConversationId): Promise<void> {
    const { operations } = this.#store;
    const message = await this.#oneMessage(user_id, conversation_id);
    const target = message && { user_id, message_id: message.message_id, place: placeOf(message) };
    const group = this.one(this.#groups);
    switch (this.random(9)) {
      case 0:
        if (target) await operations['messages.edit']({ ...target, content: 'edited' }, 0);
        break;
      case 1:
        if (target) await operations['messages.delete'](target, 0);
        break;
      case 2:
      case 3:
        if (target) {
          const emoji = this.one(EMOJIS);
          await operations['messages.react']({ ...target, emoji, remove: this.random(4) === 0 }, 0);
        }
        break;
      case 4:
        if (group !== undefined) await this.#change(user_id, group);
        break;
      default: {
        const reply_to = this.random(3) === 0 ? message?.message_id : undefined;
        const sent = letter(user_id, `text ${this.random(1_000)}`);
        const item = { ...sent, metadata: { n: 1 }, ...(reply_to !== undefined && { reply_to }) };
        await append(this.#store, conversation_id, [item]);
      }
    }
  }

  async #change(user_id: UserId, conversation_id: ConversationId): Promise<void> {
    const other = this.one(this.people);
    const place = { user_id, conversation_id };
    const commands: ConversationCommand[] = [
      { op: 'conversations.add', ...place, user_ids: [other], share_history: this.random(2) === 0 },
      { op: 'conversations.remove', ...place, participant_id: this.one([other, user_id]) },
      { op: 'conversations.update', ...place, title: `title ${this.random(1_000)}` },
    ];
    await this.#store.operations['conversations.change'](this.one(commands), 0);
  }

  async #oneMessage(user_id: UserId, conversation_id: ConversationId) {
    const page = await this.#history(user_id, conversation_id);
    return page.length === 0 ? undefined : this.one(page);
  }

  async #history(user_id: UserId, conversation_id: ConversationId): Promise<HistoryMessage[]> {
    const asked = { user_id, conversation_id, after_seq: 0, limit: 200 };
    return (await this.#store.operations['messages.history'](asked, 0)).messages;
  }

  /** Returns what each of these people sees of each of their conversations. */
  async views(people: readonly UserId[]): Promise<Map<UserId, Map<ConversationId, Shown>>> {
    const reactors = await this.#reactors();
    const views = new Map<UserId, Map<ConversationId, Shown>>();
    for (const user_id of people) {
      const request = { user_id, limit: 200 };
      const { records } = await this.#store.operations['conversations.list'](request, 0);
      const shown = new Map<ConversationId, Shown>();
      for (const { conversation_id, type, title, participants } of records) {
        const messages = await this.#history(user_id, conversation_id);
        shown.set(conversation_id, {
          ...{ type, title },
          participants: participants.map((one) => one.user_id).sort(),
          messages: messages.map((message) => toShown(message, reactors)),
        });
      }
      views.set(user_id, shown);
    }
    return views;
  }

  async #reactors(): Promise<Map<MessageId, [string, UserId][]>> {
    const rows = await this.#sql<{ message_id: MessageId; emoji: string; user_id: UserId }>(
      'select message_id, emoji, user_id from reactions order by message_id, emoji, user_id',
    );
    const reactors = new Map<MessageId, [string, UserId][]>();
    for (const { message_id, emoji, user_id } of rows) {
      reactors.set(message_id, [...(reactors.get(message_id) ?? []), [emoji, user_id]]);
    }
    return reactors;
  }

  /** Returns all rows of the conversations of this world in which the person never took part. */
  async rowsWithout(userId: UserId): Promise<unknown[]> {
    const ids = [...this.conversations];
    const of = `conversation_id = any($1) and not exists (select from participants p
      where p.conversation_id = r.conversation_id and p.user_id = $2)`;
    const had = await this.#sql<{ conversation_id: ConversationId }>(
      `select conversation_id from conversations r where ${of} order by 1`,
      [ids, userId],
    );
    this.#apart ??= had.map((row) => row.conversation_id);
    const tables = ['conversations', 'participants', 'messages', 'message_keys'];
    const rows: unknown[] = [];
    for (const table of [...tables, 'message_revisions', 'message_deletions', 'content_keys']) {
      const text = `select r::text as row from ${table} r where conversation_id = any($1)`;
      rows.push(await this.#sql(`${text} order by 1`, [this.#apart]));
    }
    return rows;
  }

  /** The person had never taken part in these when the question came first. */
  #apart: ConversationId[] | undefined;
}

function placeOf({ conversation_id, seq, sent_at }: HistoryMessage) {
  return { conversation_id, seq, sent_at };
}

function toShown(
  message: HistoryMessage,
  reactors: ReadonlyMap<MessageId, [string, UserId][]>,
): ShownMessage {
  const { message_id, seq, sender_id, message_type, content, metadata, client_msg_id } = message;
  const { reply_to: reply } = message;
  return {
    ...{ message_id, seq, sender_id, message_type, content, client_msg_id, metadata },
    isDeleted: message.deleted_at !== undefined,
    reply_to: reply && {
      message_id: reply.message_id,
      sender_id: reply.sender_id,
      content: reply.content,
      isDeleted: reply.deleted === true,
      isSystem: reply.message_type === 'system',
    },
    reactors: reactors.get(message_id) ?? [],
  };
}

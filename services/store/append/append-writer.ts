import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { AppendReply } from '../../../shared/contracts/append.ts';
import type { MessageType } from '../../../shared/contracts/messages.ts';
import type { ConversationId, MessageId, UserId } from '../../../shared/ids.ts';
import type { ConversationKey } from '../content/conversation-key.ts';
import { ensurePartitions } from '../database/ensure-partitions.ts';
import type { Pool } from '../database/pool.ts';
import type { Database } from '../database/schema.ts';
import { Outage } from './outage.ts';

/** A group commit writes its batches through this. */
export type BatchWriter = {
  /** Writes a batch in one transaction; the result has one row per message, in the same order. */
  write(messages: readonly SealedMessage[], wait: boolean): Promise<AppendRow[]>;
  /** Creates the partitions of this week and the next if they are missing. */
  ensurePartitions(): Promise<unknown>;
  readonly outage: Outage;
};

/** The main lane of a group commit has one connection, and each conversation that waits another. */
export type GroupWriter = BatchWriter & {
  /** At most this many conversations wait for locks at a time. */
  readonly lockedLanesMax: number;
};

type Options = { pool: Pool; db: Kysely<Database> };

/**
 * Appends have connections of their own, so that appends and queries do not wait for each other.
 */
export function createAppendWriter({ pool, db }: Options): GroupWriter {
  return {
    lockedLanesMax: pool.max - 1,
    write: (messages, wait) => appendMessages(pool, messages, wait),
    ensurePartitions: () => ensurePartitions(db, 1),
    outage: new Outage(),
  };
}

/** A sealed message is encrypted, has its id, and is ready to be written. */
export type SealedMessage = {
  conversation_id: ConversationId;
  sender_id: UserId;
  client_msg_id: string;
  message_id: MessageId;
  message_type: MessageType;
  reply_to: MessageId | null;
  /**
   * The replied-to message has this `seq`; null means that the conversation has no such message.
   */
  reply_to_seq: number | null;
  /** Content and metadata are encrypted with this key of the conversation. */
  key: ConversationKey;
  content: Buffer;
  metadata: Buffer | null;
};

type AppendStatus =
  | 'ok'
  | 'duplicate'
  | 'locked'
  | 'business'
  | 'no_conversation'
  | 'not_a_participant'
  | 'bad_reply'
  /** The key of the message is gone, and nobody could read it. Another key may do. */
  | 'key_gone';

/** A row is the outcome of one item. Only `ok` and `duplicate` have an id, a `seq` and a time. */
export type AppendRow = {
  /** Items are numbered from 1. */
  item: number;
  status: AppendStatus;
  message_id: MessageId;
  seq: number;
  sent_at: string;
  conversation_version: number | null;
  fanout_pending: boolean | null;
  /** The conversation had a time that was ahead of the clock of Postgres. */
  was_ahead?: boolean | null;
  /** One row of a transaction has what the transaction changed beside the messages. */
  step?: AppendStep;
};

export type AppendStep = Omit<AppendReply, 'conversation_version' | 'results'>;

const ARGUMENTS = `$1, $2::int[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[],
  $8::message_type[], $9::uuid[], $10::bigint[], $11::bytea[], $12::bytea[]`;
const APPEND = `select * from append_messages(${ARGUMENTS})`;
const APPEND_IN_STEP = `select * from append_messages(${ARGUMENTS}, true)`;

/**
 * The batch is one transaction and one round trip; see migrations 0014, 0021 and 0022. The result
 * has one row per message, in order.
 */
function appendMessages(
  pool: Pool,
  messages: readonly SealedMessage[],
  wait: boolean,
): Promise<AppendRow[]> {
  return pool.query<AppendRow>(APPEND, argumentsOf(messages, wait));
}

/**
 * The messages are written, and stay locked, in a transaction that also changes the state of their
 * business conversation. The caller may not wait for another lock of this conversation before.
 */
export async function appendInStep(
  tx: Transaction<Database>,
  messages: readonly SealedMessage[],
): Promise<AppendRow[]> {
  const values = argumentsOf(messages, true);
  return (await tx.executeQuery<AppendRow>(CompiledQuery.raw(APPEND_IN_STEP, values))).rows;
}

function argumentsOf(messages: readonly SealedMessage[], wait: boolean) {
  const column = <Name extends keyof SealedMessage>(name: Name): SealedMessage[Name][] =>
    messages.map((message) => message[name]);
  return [
    wait,
    messages.map(({ key }) => key.place.generation),
    messages.map(({ key }) => key.madeAt),
    column('conversation_id'),
    column('sender_id'),
    column('client_msg_id'),
    column('message_id'),
    column('message_type'),
    column('reply_to'),
    column('reply_to_seq'),
    column('content'),
    column('metadata'),
  ];
}

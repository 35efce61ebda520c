import type { MessageType } from '../../../shared/contracts/rpc.ts';
import type { ConversationId, MessageId, UserId } from '../../../shared/ids.ts';
import type { Pool } from '../database/pool.ts';

/** A message ready to be written: sealed, with its id. */
export type SealedMessage = {
  conversation_id: ConversationId;
  sender_id: UserId;
  client_msg_id: string;
  message_id: MessageId;
  message_type: MessageType;
  reply_to: MessageId | null;
  /** Of the message replied to; null where the conversation has no such message. */
  reply_to_seq: number | null;
  content: Buffer;
  metadata: Buffer | null;
};

export type AppendStatus =
  | 'ok'
  | 'duplicate'
  | 'locked'
  | 'no_conversation'
  | 'not_a_participant'
  | 'bad_reply';

/** What became of one item. `ok` and `duplicate` have an id, a seq and a time. */
export type AppendRow = {
  /** Position in the batch, from 1. */
  item: number;
  status: AppendStatus;
  message_id: MessageId;
  seq: number;
  sent_at: string;
  conversation_version: number | null;
  fanout_pending: boolean | null;
};

const APPEND = `select * from append_messages($1, $2, $3::uuid[], $4::uuid[], $5::uuid[],
  $6::uuid[], $7::message_type[], $8::uuid[], $9::bigint[], $10::bytea[], $11::bytea[])`;

export type AppendOptions = { keyId: string; wait: boolean };

/** One transaction, one round trip; see migration 0002. One row per message, in order. */
export function appendMessages(
  pool: Pool,
  messages: readonly SealedMessage[],
  { keyId, wait }: AppendOptions,
): Promise<AppendRow[]> {
  const column = <Name extends keyof SealedMessage>(name: Name): SealedMessage[Name][] =>
    messages.map((message) => message[name]);
  return pool.query<AppendRow>(APPEND, [
    wait,
    keyId,
    column('conversation_id'),
    column('sender_id'),
    column('client_msg_id'),
    column('message_id'),
    column('message_type'),
    column('reply_to'),
    column('reply_to_seq'),
    column('content'),
    column('metadata'),
  ]);
}

import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { BusinessId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { SETTING_DEFAULTS } from '../../../shared/protocol/business-requests.ts';
import type { BusinessSettings } from '../../../shared/protocol/business-shapes.ts';
import {
  type AppendRow,
  type AppendStep,
  appendInStep,
  type BatchWriter,
  type SealedMessage,
} from '../append/append-writer.ts';
import { Outage } from '../append/outage.ts';
import { toSettings } from '../businesses/settings-row.ts';
import type { WritingCipher } from '../content/content-cipher.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import { keyNameOf } from '../content/key-name.ts';
import { ensurePartitions } from '../database/ensure-partitions.ts';
import type { BusinessesTable, Database } from '../database/schema.ts';
import {
  type ConversationRow,
  type LastMessageRow,
  selectParticipants,
} from '../records/conversation-rows.ts';
import { toParticipants } from '../records/participants-reader.ts';
import { sentAfter } from '../records/sent-after.ts';
import { firstShown } from '../records/visible-from.ts';
import { writeAwayMessage } from './away-message.ts';
import { judgeMessages, type MessagesPlan } from './judge-messages.ts';
import { tellAgain } from './tell-again.ts';
import { writeSteps } from './write-step.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers; logger: Logger };
type Sent = { row: AppendRow; message: SealedMessage };

/**
 * Writes messages of one business conversation, and all that they change there, in one transaction:
 * a customer's message opens a closed conversation, an agent's message answers, and a closed
 * business sends its away message. All is decided under the lock of the conversation, so of many
 * messages at once, by any stores, one opens it and one brings the away message. A repeat of a send
 * writes nothing, and so changes nothing.
 *
 * These are the round trips of a transaction:
 *
 *     4   begin, append, a read of the conversation and its settings, commit
 *     5   An agent writes: the conversation is updated.
 *     6   A customer writes to an agent who has answered: a router has to look later.
 *     6   A customer who waits writes: participants are read, and the inbox is updated.
 *     7   A customer opens the conversation: it is updated too.
 *    +2   The business sends its away message, and its event is owed.
 */
export function createBusinessWriter(deps: Deps): BatchWriter {
  const { db, ciphers } = deps;
  return {
    async write(messages) {
      const rows = await db.transaction().execute((tx) => write(tx, messages, ciphers));
      return tellAgain(deps, messages, rows);
    },
    ensurePartitions: () => ensurePartitions(db, 1),
    outage: new Outage(),
  };
}

async function write(
  tx: Transaction<Database>,
  messages: readonly SealedMessage[],
  ciphers: ContentCiphers,
): Promise<AppendRow[]> {
  const rows = await appendInStep(tx, messages);
  const sent = sentOf(messages, rows);
  const last = sent.at(-1);
  if (last === undefined) return rows;
  const read = await readConversation(tx, last.message);
  if (read.conversation.type !== 'business') return rows;
  const plan = judgeMessages({ ...read, sent: sent.map(toJudged) });
  const cipher = ciphers.openWith(last.message.key);
  const { version, ...step } = await carryOut(tx, { ...read, plan, last, cipher });
  return rows.map((row) => {
    const written = { ...row, conversation_version: version };
    return row === last.row ? { ...written, step } : written;
  });
}

/** Returns the messages that were written now, in the order of their `seq`. */
function sentOf(messages: readonly SealedMessage[], rows: readonly AppendRow[]): Sent[] {
  return rows.flatMap((row, index) => {
    const message = messages[index];
    return row.status === 'ok' && message !== undefined ? { row, message } : [];
  });
}

function toJudged({ row: { seq, sent_at }, message: { sender_id } }: Sent) {
  return { sender_id, seq, sent_at };
}

type Read = { conversation: ConversationRow; settings: BusinessSettings | undefined; now: string };

/**
 * The conversation is locked, so this statement sees it as all earlier transactions have left it,
 * and the settings that were committed by then.
 */
async function readConversation(
  tx: Transaction<Database>,
  { conversation_id }: SealedMessage,
): Promise<Read> {
  const { business, now, ...conversation } = await tx
    .selectFrom('conversations as c')
    .leftJoin('businesses as b', 'b.business_id', 'c.business_id')
    .selectAll('c')
    .select(firstShown)
    .select(sql<Selectable<BusinessesTable> | null>`to_jsonb(b)`.as('business'))
    .select(sql<string>`date_trunc('milliseconds', clock_timestamp())`.as('now'))
    .where('c.conversation_id', '=', conversation_id)
    .executeTakeFirstOrThrow();
  return { conversation, settings: business === null ? undefined : toSettings(business), now };
}

type Writing = Read & { plan: MessagesPlan; last: Sent; cipher: WritingCipher };

async function carryOut(
  tx: Transaction<Database>,
  writing: Writing,
): Promise<AppendStep & { version: number }> {
  const { plan } = writing;
  const conversation = await updateConversation(tx, writing);
  const isTold = plan.change !== undefined || plan.awayMessage !== undefined;
  const step = isTold ? await tell(tx, conversation, writing) : {};
  await makeDue(tx, conversation, writing);
  const { firstResponseMs: first_response_ms } = plan;
  const { version } = conversation;
  return { version, ...step, ...(first_response_ms !== undefined && { first_response_ms }) };
}

/** An away message takes the next `seq`. The result is the conversation after all changes. */
async function updateConversation(
  tx: Transaction<Database>,
  { conversation, plan, now }: Writing,
): Promise<ConversationRow> {
  const { version, last_seq, last_sent_at } = conversation;
  const at = sentAfter(last_sent_at, now);
  const set = {
    ...plan.set,
    ...(plan.change === 'added' && { version: version + 1 }),
    ...(plan.awayMessage !== undefined && {
      last_seq: last_seq + 1,
      last_sent_at: at,
      last_activity: at,
    }),
  };
  if (Object.keys(set).length === 0) return conversation;
  return tx
    .updateTable('conversations as c')
    .set(set)
    .where('c.conversation_id', '=', conversation.conversation_id)
    .returningAll()
    .returning(firstShown)
    .executeTakeFirstOrThrow();
}

/** Writes the away message and then the change of the inbox, whose row is the last to be locked. */
async function tell(
  tx: Transaction<Database>,
  conversation: ConversationRow,
  { conversation: before, plan, last, now, cipher }: Writing,
): Promise<AppendStep> {
  const { change, awayMessage: text } = plan;
  const participants = await selectParticipants(tx, [conversation.conversation_id]);
  const away =
    text === undefined
      ? undefined
      : await writeAwayMessage(tx, { text, conversation, participants, now, cipher });
  const lastMessage = away?.row ?? toLastMessageRow(last);
  const after = { conversation, participants, lastMessage };
  const steps =
    change === undefined
      ? []
      : [{ before, after, change, reason: 'message' as const, actorId: last.message.sender_id }];
  return {
    participants: toParticipants(after),
    entries: away === undefined ? [] : [away.entry],
    inbox: await writeSteps(tx, { businessId: businessOf(conversation), steps, cipher }),
  };
}

/**
 * A conversation whose agent had answered, and is away for too long, goes back to waiting a while
 * after the customer has written again. A router looks at the business by then, whether the agent
 * is away or not, because an agent may go away while this is being committed. A router that has the
 * business now does not see this message, so it has to look again at once.
 */
async function makeDue(
  tx: Transaction<Database>,
  { state, business_id, unanswered_since }: ConversationRow,
  { plan, settings, now }: Writing,
): Promise<void> {
  if (state !== 'assigned' || plan.set.unanswered_since == null) return;
  const { reassign_after_s: seconds } = settings ?? SETTING_DEFAULTS;
  await sql`update business_inboxes set due_at = least(due_at,
      case when claimed_until > ${now}::timestamptz then ${now}::timestamptz
        else ${unanswered_since}::timestamptz + ${seconds}::int * interval '1 second' end)
    where business_id = ${business_id}`.execute(tx);
}

function toLastMessageRow({ row: { seq, sent_at }, message }: Sent): LastMessageRow {
  const { conversation_id, message_id, sender_id, message_type, content } = message;
  const written = { conversation_id, message_id, seq, sender_id, message_type, content, sent_at };
  return {
    ...written,
    metadata: null,
    key_id: keyNameOf(message.key.place.generation),
    deleted_at: null,
  };
}

function businessOf({ business_id }: ConversationRow): BusinessId {
  if (business_id === null) throw new Error('a business conversation without a business');
  return business_id;
}

import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { ConversationChanged } from '../../../shared/contracts/outbox.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId, EventId, UserId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import { classifyFailure } from '../database/database-error.ts';
import { ensurePartitions } from '../database/ensure-partitions.ts';
import type { Database } from '../database/schema.ts';
import { toConversationRecord } from '../records/conversation-record.ts';
import { loadConversations } from '../records/conversation-rows.ts';
import { toParticipants } from '../records/participants-reader.ts';
import type { LockedConversation } from './judge-command.ts';
import { judgeCommand } from './judge-command.ts';
import { toEntries, writePlan } from './write-plan.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher };

const TRIES_MAX = 3;
const CLASH_BACK_OFF_MS = 10;
/** A change names at most this many events that are still owed. */
const OWED_MAX = 1_000;
/** The transaction looks for these events among at most this many, for up to 20 ms. */
const PASSED_MAX = 50_000;

/**
 * `conversations.change` is one transaction. It judges the command, and writes the change, its
 * system messages, and the outbox rows of all its events. Refusals: CONVERSATION_NOT_FOUND, and
 * those of `judgeCommand`.
 */
export async function changeConversation(
  deps: Deps,
  command: ConversationCommand,
): Promise<ConversationChanged> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await deps.db.transaction().execute((tx) => change(tx, command, deps.cipher));
    } catch (error) {
      const failure = classifyFailure(error);
      const again = failure === 'clash' || failure === 'no_partition';
      if (!again || tries === TRIES_MAX) throw error;
      if (failure === 'no_partition') await ensurePartitions(deps.db, 1);
      await delay(CLASH_BACK_OFF_MS * tries);
    }
  }
}

async function change(
  tx: Transaction<Database>,
  command: ConversationCommand,
  cipher: ContentCipher,
): Promise<ConversationChanged> {
  const locked = await lock(tx, command);
  const plan = judgeCommand(locked, command);
  const owedBefore = plan?.leave && (await selectOwed(tx, command.conversation_id));
  const written = plan && (await writePlan(tx, { command, locked, plan, cipher }));
  const [loaded] = await loadConversations(tx, [command.conversation_id]);
  if (loaded === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  const options = { cipher, nowMs: Date.now() };
  const record = toConversationRecord(loaded, command.user_id, options);
  return {
    ...(record && { record }),
    participants: toParticipants(loaded),
    entries: written === undefined ? [] : toEntries(written, loaded, cipher),
    ...(owedBefore && { owed_before: owedBefore }),
  };
}

/** The result is undefined if the events are too many, or too many rows are owed to users. */
async function selectOwed(
  tx: Transaction<Database>,
  id: ConversationId,
): Promise<EventId[] | undefined> {
  const { rows } = await sql<{ owed: EventId[] | null }>`
    select owed_to_users(${id}::uuid, ${PASSED_MAX}) as owed`.execute(tx);
  const owed = rows[0]?.owed ?? undefined;
  return owed && owed.length <= OWED_MAX ? owed : undefined;
}

/**
 * The transaction locks the conversation and then its participants by user id, as every writer
 * does. The conversation is locked FOR UPDATE. A change of one of its messages locks it FOR KEY
 * SHARE, so that change is committed either before or after this one.
 */
async function lock(
  tx: Transaction<Database>,
  command: ConversationCommand,
): Promise<LockedConversation> {
  const id = command.conversation_id;
  const conversation = await tx
    .selectFrom('conversations')
    .selectAll()
    .where('conversation_id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (conversation === undefined) {
    throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  }
  const joining = command.op === 'conversations.add' ? command.user_ids : [];
  const participants = await tx
    .selectFrom('participants')
    .selectAll()
    .where('conversation_id', '=', id)
    .where((is) =>
      is.or([is('left_at', 'is', null), is('user_id', '=', sql<UserId>`any(${joining}::uuid[])`)]),
    )
    .orderBy('user_id')
    .forNoKeyUpdate()
    .execute();
  // The time is read under the locks, so that later writes have later times.
  const { rows } = await sql<{ at: string; now: string }>`
    select now, greatest(now, ${conversation.last_sent_at}::timestamptz) as at
    from (select date_trunc('milliseconds', clock_timestamp()) as now) clock`.execute(tx);
  return { conversation, participants, ...(rows[0] as { at: string; now: string }) };
}

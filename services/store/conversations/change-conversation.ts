import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql, type Transaction } from 'kysely';
import type {
  ConversationCommand,
  ConversationRecord,
} from '../../../shared/contracts/conversations.ts';
import type { InboxChange } from '../../../shared/contracts/inbox.ts';
import type { ConversationChanged } from '../../../shared/contracts/outbox.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ContentCipher, WritingCipher } from '../content/content-cipher.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import { KeyGone } from '../content/key-gone.ts';
import { classifyFailure } from '../database/database-error.ts';
import { ensurePartitions } from '../database/ensure-partitions.ts';
import type { Database } from '../database/schema.ts';
import { assertNotErased } from '../erasures/assert-not-erased.ts';
import type { ErasureSecret } from '../erasures/erasure-secret.ts';
import { lockStep } from '../inbox/lock-step.ts';
import { writeSteps } from '../inbox/write-step.ts';
import { selectOwedToUsers } from '../outbox/owed-to-users.ts';
import { toConversationRecord, toReaderRecord } from '../records/conversation-record.ts';
import {
  type LoadedConversation,
  lastMessagesOf,
  loadConversations,
} from '../records/conversation-rows.ts';
import { toParticipants } from '../records/participants-reader.ts';
import { firstShown } from '../records/visible-from.ts';
import { judgeCommand } from './judge-command.ts';
import { isAutomatic, isStep, type LockedConversation, type Writing } from './plan.ts';
import { toEntries, writePlan } from './write-plan.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers; secret: ErasureSecret };

const TRIES_MAX = 3;
const CLASH_BACK_OFF_MS = 10;
/**
 * `conversations.change` is one transaction. It judges the command, and writes the change, its
 * system messages, and the outbox rows of all its events. Refusals: CONVERSATION_NOT_FOUND, and
 * those of `judgeCommand`; CONFLICT if a user who was erased is to be added.
 */
export async function changeConversation(
  deps: Deps,
  command: ConversationCommand,
): Promise<ConversationChanged> {
  const { db, ciphers, secret } = deps;
  for (let tries = 1; ; tries += 1) {
    const cipher = await ciphers.openToWrite(command.conversation_id);
    if (cipher === undefined) {
      throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
    }
    try {
      return await db
        .transaction()
        .execute((tx) => change(tx, { command, cipher, ciphers, secret }));
    } catch (error) {
      const isGone = error instanceof KeyGone;
      if (isGone) ciphers.forget(cipher.key);
      const failure = classifyFailure(error);
      const again = isGone || failure === 'clash' || failure === 'no_partition';
      if (!again || tries === TRIES_MAX) throw error;
      if (failure === 'no_partition') await ensurePartitions(db, 1);
      await delay(CLASH_BACK_OFF_MS * tries);
    }
  }
}

type Changing = {
  command: ConversationCommand;
  cipher: WritingCipher;
  ciphers: ContentCiphers;
  secret: ErasureSecret;
};

async function change(
  tx: Transaction<Database>,
  { command, cipher, ciphers, secret }: Changing,
): Promise<ConversationChanged> {
  // An erasure that begins waits for this transaction, which must not wait for it with a lock held.
  if (command.op === 'conversations.add') await assertNotErased(tx, secret, command.user_ids);
  const locked = await (isStep(command) ? lockStep(tx, command) : lock(tx, command));
  const plan = judgeCommand(locked, command);
  const { conversation_id: id } = command;
  const owed = plan?.leave && (await selectOwedToUsers(tx, [id]));
  const owedBefore = owed?.get(id);
  const written = plan && (await writePlan(tx, { command, locked, plan, cipher }));
  const loaded = written?.loaded ?? (await loadConversations(tx, [id]))[0];
  if (loaded === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  const reader = await ciphers.open(lastMessagesOf([loaded]), tx);
  const record = recordFor(loaded, command, reader);
  const inbox = plan?.step && (await tellInbox(tx, { command, locked, plan, reader }, loaded));
  return {
    ...(record && { record }),
    participants: toParticipants(loaded),
    entries: written === undefined ? [] : toEntries(written, reader),
    ...(owedBefore && { owed_before: owedBefore }),
    ...(inbox && { inbox }),
  };
}

/**
 * An agent who took a step without taking part afterwards is shown nothing of their own. A router
 * that took one by itself is shown nothing.
 */
function recordFor(
  loaded: LoadedConversation,
  command: ConversationCommand,
  cipher: ContentCipher,
): ConversationRecord | undefined {
  const options = { cipher, nowMs: Date.now() };
  const record = toConversationRecord(loaded, command.user_id, options);
  if (record !== undefined || !isStep(command) || isAutomatic(command)) return record;
  return toReaderRecord(loaded, cipher);
}

async function tellInbox(
  tx: Transaction<Database>,
  {
    command,
    locked: { conversation: before },
    plan: { step },
    reader,
  }: Omit<Writing, 'cipher'> & { reader: ContentCipher },
  after: LoadedConversation,
): Promise<InboxChange[]> {
  const { business_id: businessId } = before;
  if (businessId === null || step === undefined) throw new Error('only a business has steps');
  const actor = isAutomatic(command) ? {} : { actorId: command.user_id };
  const taken = { before, after, ...step, ...actor };
  return writeSteps(tx, { businessId, steps: [taken], cipher: reader });
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
    .selectFrom('conversations as c')
    .selectAll('c')
    .select(firstShown)
    .where('c.conversation_id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (conversation === undefined) {
    throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  }
  // Users who join may have left the conversation before, and have a row then.
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
    select now, sent_after(${conversation.last_sent_at}::timestamptz, now) as at
    from (select date_trunc('milliseconds', clock_timestamp()) as now) clock`.execute(tx);
  return { conversation, participants, ...(rows[0] as { at: string; now: string }) };
}

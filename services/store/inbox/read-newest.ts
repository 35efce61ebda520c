import { type Kysely, sql, type Transaction } from 'kysely';
import type { InboxStep } from '../../../shared/contracts/business-signals.ts';
import type { InboxOwner } from '../../../shared/contracts/inbox.ts';
import { KahaError } from '../../../shared/errors.ts';
import {
  type BusinessId,
  type ConversationId,
  isUuidV4,
  type UserId,
} from '../../../shared/ids.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { toReaderRecord } from '../records/conversation-record.ts';
import { lastMessagesOf, loadConversations } from '../records/conversation-rows.ts';
import { ownerOf } from './write-step.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };
type Newest = { version: number; step?: InboxStep };
type Found = {
  conversation_id: ConversationId;
  change: InboxStep['change'];
  from_agent_id: UserId | null;
};

/**
 * `inbox.newest` tells the newest step of an inbox again, for an edge that a signal did not reach.
 * It is made of the log, and of the conversation as it is now: nothing has changed it since. The
 * log leaves out messages into waiting conversations, so a version without a row is the newest of
 * these.
 */
export async function readNewest(
  { db, ciphers }: Deps,
  { business_id }: { business_id: BusinessId },
): Promise<Newest> {
  if (!isUuidV4(business_id)) throw new KahaError('INVALID_REQUEST', 'Not an id');
  const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
  return snapshot.execute(async (tx) => {
    const inbox = await tx
      .selectFrom('business_inboxes')
      .select('version')
      .where('business_id', '=', business_id)
      .executeTakeFirst();
    if (inbox === undefined) return { version: 0 };
    const { version } = inbox;
    const found =
      (await selectLogged(tx, business_id, version)) ?? (await selectUpdated(tx, business_id));
    const [loaded] =
      found === undefined ? [] : await loadConversations(tx, [found.conversation_id]);
    if (found === undefined || loaded === undefined) return { version };
    const { conversation_id, change } = found;
    const after = ownerOf(loaded.conversation);
    const before = ownerBefore(found, after);
    const cipher = await ciphers.open(lastMessagesOf([loaded]), tx);
    const record = toReaderRecord(loaded, cipher);
    return {
      version,
      step: { business_id, version, change, conversation_id, before, after, record },
    };
  });
}

async function selectLogged(
  tx: Transaction<Database>,
  businessId: BusinessId,
  version: number,
): Promise<Found | undefined> {
  const { rows } = await sql<Found>`
    select conversation_id, step as change, from_agent_id from business_steps
    where business_id = ${businessId} and version = ${version}`.execute(tx);
  return rows[0];
}

async function selectUpdated(
  tx: Transaction<Database>,
  businessId: BusinessId,
): Promise<Found | undefined> {
  const { rows } = await sql<Found>`
    select conversation_id, 'updated' as change, null as from_agent_id from conversations
    where business_id = ${businessId} and state = 'waiting'
    order by last_activity desc limit 1`.execute(tx);
  return rows[0];
}

/** Each change begins in one state, but for an assignment or a closing, which begin in two. */
function ownerBefore({ change, from_agent_id: from }: Found, after: InboxOwner): InboxOwner {
  const { customer_id } = after;
  if (change === 'added') return { ...after, state: 'closed' };
  if (from === null) return { customer_id, state: 'waiting' };
  return { customer_id, state: 'assigned', assignee_id: from, last_agent_id: from };
}

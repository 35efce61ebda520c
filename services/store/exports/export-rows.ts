import { sql } from 'kysely';
import type { AgentRecord } from '../../../shared/contracts/businesses.ts';
import type { BusinessId, ConversationId, MessageId } from '../../../shared/ids.ts';
import type { ConversationsTable, ParticipantsTable } from '../database/schema.ts';
import { firstShown } from '../records/visible-from.ts';
import type { ExportDeps } from './export-step.ts';

/** A query reads so many rows. All of them are small. */
const ROWS_MAX = 200;

type Agent = { business_id: BusinessId; role: AgentRecord['role']; created_at: string };

export async function selectAgents({ db, userId }: ExportDeps, after: string): Promise<Agent[]> {
  return db
    .selectFrom('business_agents')
    .select(['business_id', 'role', 'created_at'])
    .where('user_id', '=', userId)
    .where('business_id', '>', after as BusinessId)
    .orderBy('business_id')
    .limit(ROWS_MAX)
    .execute();
}

/** The participant is the person, who may have left. `first_seq` is the first that is shown. */
export type Conversation = { first_seq: number; conversation_id: ConversationId } & Pick<
  ConversationsTable,
  'type' | 'business_id' | 'title' | 'description'
> &
  Pick<ParticipantsTable, 'role' | 'joined_at' | 'left_at'>;

/** The result has the conversation with an id, or those behind it. */
export async function selectConversations(
  { db, userId }: ExportDeps,
  ids: { at: string } | { after: string },
): Promise<Conversation[]> {
  const where = 'at' in ids ? sql`= ${ids.at}` : sql`> ${ids.after}`;
  const { rows } = await sql<Conversation>`
    select c.conversation_id, c.type, c.business_id, c.title, c.description, ${firstShown},
      p.role, p.joined_at, p.left_at
    from participants p join conversations c using (conversation_id)
    where p.user_id = ${userId} and p.conversation_id ${where}
    order by p.conversation_id limit ${sql.lit(ROWS_MAX)}`.execute(db);
  return rows;
}

type Reaction = { message_id: MessageId; version: number; emoji: string; reacted_at: string };

export async function selectReactions(
  { db, userId }: ExportDeps,
  after: { id: string; version: number },
): Promise<Reaction[]> {
  const { rows } = await sql<Reaction>`
    select message_id, version, emoji, reacted_at from reactions
    where user_id = ${userId} and (message_id, version) > (${after.id}::uuid, ${after.version})
    order by message_id, version limit ${sql.lit(ROWS_MAX)}`.execute(db);
  return rows;
}

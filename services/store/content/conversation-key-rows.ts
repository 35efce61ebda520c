import { type Kysely, sql } from 'kysely';
import type { ConversationId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { KeyPlace } from './conversation-key.ts';

/** The key is wrapped by the content key with this id. */
export type FoundKey = KeyPlace & { key_id: string; wrapped: Buffer; created_at: string };
type Newest = { conversation_id: ConversationId } & (
  | { generation: null }
  | { generation: number; key_id: string; wrapped: Buffer | null; created_at: string }
);

/** Keys that are gone have no row. */
export async function selectKeys(
  db: Kysely<Database>,
  places: readonly KeyPlace[],
): Promise<FoundKey[]> {
  const { rows } = await sql<FoundKey>`
    select k.conversation_id, k.generation, k.key_id, k.wrapped, k.created_at
    from unnest(${places.map(({ conversation_id }) => conversation_id)}::uuid[],
      ${places.map(({ generation }) => generation)}::int[]) as p (conversation_id, generation)
      join content_keys k using (conversation_id, generation)
    where k.wrapped is not null`.execute(db);
  return rows;
}

/** A conversation without any key has one row, of nulls. */
export async function selectNewest(
  db: Kysely<Database>,
  ids: readonly ConversationId[],
): Promise<Newest[]> {
  const { rows } = await sql<Newest>`
    select c.conversation_id, k.generation, k.key_id, k.wrapped, k.created_at
    from conversations c left join lateral (
      select * from content_keys k where k.conversation_id = c.conversation_id
      order by k.generation desc limit 1) k on true
    where c.conversation_id = any(${ids}::uuid[])`.execute(db);
  return rows;
}

type Insertion = { made: readonly KeyPlace[]; wrapped: readonly Buffer[]; keyId: string };

/** The rows are inserted in order, so that two inserts of the same keys cannot deadlock. */
export async function insertKeys(
  db: Kysely<Database>,
  { made, wrapped, keyId }: Insertion,
): Promise<(KeyPlace & { created_at: string })[]> {
  const { rows } = await sql<KeyPlace & { created_at: string }>`
    insert into content_keys (conversation_id, generation, key_id, wrapped, created_at)
    select conversation_id, generation, ${keyId}, wrapped, clock_timestamp()
    from unnest(${made.map(({ conversation_id }) => conversation_id)}::uuid[],
      ${made.map(({ generation }) => generation)}::int[], ${wrapped}::bytea[])
      as made (conversation_id, generation, wrapped)
    order by 1, 2
    on conflict do nothing
    returning conversation_id, generation, created_at`.execute(db);
  return rows;
}

import { type Kysely, sql } from 'kysely';
import type { ConversationId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { MESSAGE_COLUMNS } from './message-row.ts';

/** A place is a message's primary key without the time. */
export type Place = { conversation_id: ConversationId; seq: number };

/** The query selects the messages at these places; any number of places needs two parameters. */
export function selectByPlace(db: Kysely<Database>, places: readonly Place[]) {
  const ids = places.map(({ conversation_id }) => conversation_id);
  const seqs = places.map(({ seq }) => seq);
  const table = sql<Place>`(select * from unnest(${ids}::uuid[], ${seqs}::bigint[])
    as place (conversation_id, seq))`;
  return db
    .selectFrom(table.as('place'))
    .innerJoin('messages as m', (join) =>
      join
        .onRef('m.conversation_id', '=', 'place.conversation_id')
        .onRef('m.seq', '=', 'place.seq'),
    )
    .select(MESSAGE_COLUMNS.map((name) => `m.${name}` as const));
}

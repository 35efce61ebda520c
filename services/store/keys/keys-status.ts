import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';

/** So many keys of conversations, messages, earlier texts and addresses of pushes are under one. */
type KeyUse = {
  key_id: string;
  keys: number;
  messages: number;
  revisions: number;
  addresses: number;
};

const NONE = { keys: 0, messages: 0, revisions: 0, addresses: 0 };
/** Texts under keys of conversations are one row, with this name. */
const OF_CONVERSATIONS = '(conversations)';

/** Tells what is under which content key. Each number is one walk through its table. */
export async function readKeyStatus(db: Kysely<Database>): Promise<KeyUse[]> {
  const name = sql`case when key_id like '@%' then ${sql.lit(OF_CONVERSATIONS)} else key_id end`;
  const { rows } = await sql<KeyUse>`
    select key_id, sum(keys)::bigint as keys, sum(messages)::bigint as messages,
      sum(revisions)::bigint as revisions, sum(addresses)::bigint as addresses
    from (
      select key_id, count(*) as keys, 0 as messages, 0 as revisions, 0 as addresses
        from content_keys where wrapped is not null group by 1
      union all
      select ${name}, 0, count(*), 0, 0 from messages group by 1
      union all
      select ${name}, 0, 0, count(*), 0 from message_revisions group by 1
      union all
      select key_id, 0, 0, 0, count(*) from push_registrations group by 1
    ) as uses
    group by key_id order by key_id`.execute(db);
  return rows;
}

/** The current key encrypts; one that is not configured cannot be read. */
export function toStatusText(uses: readonly KeyUse[], contentKeyIds: readonly string[]): string {
  const [current] = contentKeyIds;
  const missing = contentKeyIds.filter((id) => !uses.some(({ key_id }) => key_id === id));
  const none = missing.map((key_id) => ({ key_id, ...NONE }));
  const rows = [...none, ...uses].map(({ key_id, keys, messages, revisions, addresses }) => {
    const note =
      key_id === current
        ? 'current'
        : contentKeyIds.includes(key_id) || key_id === OF_CONVERSATIONS
          ? ''
          : 'not configured';
    return [key_id, keys, messages, revisions, addresses, note].map(String);
  });
  const table = [['under', 'keys', 'messages', 'earlier texts', 'pushes', ''], ...rows];
  const widths = table[0]?.map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${table.map(line).join('\n')}\n`;
}

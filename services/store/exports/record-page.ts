import { type Kysely, sql } from 'kysely';
import type { UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { notGivenOut } from '../records/opaque-cursor.ts';

type Page = {
  export_id: string;
  user_id: UserId;
  /** The token that asked for the page has this name. The record keeps that of the first page. */
  service: string;
  items: number;
  isFirst: boolean;
  isLast: boolean;
};

/**
 * Counts a page in the record of its export. A page that is asked for again is counted again. A
 * cursor of an export that has no record is refused with INVALID_REQUEST.
 */
export async function recordPage(db: Kysely<Database>, page: Page): Promise<void> {
  const { export_id, user_id, service, items, isFirst, isLast } = page;
  const finished_at = isLast ? sql<string>`now()` : null;
  if (isFirst) {
    const row = { export_id, user_id, service, pages: 1, items, finished_at };
    await db.insertInto('exports').values(row).execute();
    return;
  }
  const { numUpdatedRows } = await db
    .updateTable('exports')
    .set({
      last_page_at: sql`now()`,
      pages: sql`pages + 1`,
      items: sql`items + ${items}`,
      ...(isLast && { finished_at }),
    })
    .where('export_id', '=', export_id)
    .where('user_id', '=', user_id)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw notGivenOut();
}

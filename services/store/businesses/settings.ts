import { type Kysely, sql } from 'kysely';
import type { BusinessCommands, OfBusiness } from '../../../shared/contracts/businesses.ts';
import type { BusinessSettings } from '../../../shared/protocol/business-shapes.ts';
import { makeDue } from '../assignment/make-due.ts';
import type { Database } from '../database/schema.ts';
import { judgeReader, lockForChange } from './business-rights.ts';
import { toSettings, toSettingsColumns } from './settings-row.ts';

/** `businesses.get` reads the settings and the asker's right in one statement. */
export async function getSettings(
  db: Kysely<Database>,
  { asker, business_id }: OfBusiness,
): Promise<BusinessSettings> {
  const userId = asker === 'service' ? null : asker;
  const row = await db
    .selectFrom('businesses')
    .selectAll('businesses')
    .select(
      sql<boolean>`exists (select from business_agents a
      where a.business_id = businesses.business_id and a.user_id = ${userId}::uuid)`.as('is_agent'),
    )
    .where('business_id', '=', business_id)
    .executeTakeFirst();
  judgeReader(asker, { isThere: row !== undefined, isAgent: row?.is_agent === true });
  return toSettings(row as NonNullable<typeof row>);
}

type SetSettings = BusinessCommands['businesses.set_settings'][0];

/** `businesses.set_settings` replaces all settings, which may let more be given out. */
export function setSettings(
  db: Kysely<Database>,
  { settings, ...of }: SetSettings,
): Promise<BusinessSettings> {
  return db.transaction().execute(async (tx) => {
    await lockForChange(tx, of);
    const row = await tx
      .updateTable('businesses')
      .set({ ...toSettingsColumns(settings), updated_at: sql`now()` })
      .where('business_id', '=', of.business_id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await makeDue(tx, [of.business_id]);
    return toSettings(row);
  });
}

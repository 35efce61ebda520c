import type { Transaction } from 'kysely';
import type { OfBusiness } from '../../../shared/contracts/businesses.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { Database } from '../database/schema.ts';

/**
 * Locks a business for a change of it or of its agents, and judges the asker under the lock: a
 * service or a manager may change both. Every change of who is an agent, and in which role, holds
 * this lock. So two managers who remove each other do so one after the other, and the second is no
 * manager any more. Whoever locks agents too does that afterwards, in the order of their user ids.
 *
 * A service may set up any business, so its first change makes the row.
 */
export async function lockForChange(
  tx: Transaction<Database>,
  { asker, business_id }: OfBusiness,
): Promise<void> {
  if (asker === 'service') {
    await tx
      .insertInto('businesses')
      .values({ business_id, hours: null, away_message: null })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  await tx
    .selectFrom('businesses')
    .select('business_id')
    .where('business_id', '=', business_id)
    .forUpdate()
    .execute();
  if (asker === 'service') return;
  // This statement begins after the lock is held, so it sees what was committed before.
  const own = await tx
    .selectFrom('business_agents')
    .select('role')
    .where('business_id', '=', business_id)
    .where('user_id', '=', asker)
    .executeTakeFirst();
  if (own?.role !== 'manager') throw forbidden('Only managers of the business may change it');
}

/** A user gets this whether there is such a business or not. */
export function forbidden(message: string): KahaError {
  return new KahaError('FORBIDDEN', message);
}

/**
 * Judges who may read of a business. `isThere` says whether the business has a row, and `isAgent`
 * whether the asker is one of its agents or managers.
 */
export function judgeReader(
  asker: OfBusiness['asker'],
  { isThere, isAgent }: { isThere: boolean; isAgent: boolean },
): void {
  if (asker !== 'service' && !isAgent) throw forbidden('Only agents of the business may read this');
  if (!isThere) throw new KahaError('NOT_FOUND', 'Nothing is set of this business');
}

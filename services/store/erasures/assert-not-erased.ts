import { type Kysely, sql } from 'kysely';
import { KahaError } from '../../../shared/errors.ts';
import { NOBODY, type UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { ErasureSecret } from './erasure-secret.ts';

/**
 * The caller is about to write rows of these users in the transaction. INVALID_REQUEST: one of them
 * is nobody. CONFLICT: one of them was erased. Until the transaction ends, no erasure of them
 * begins.
 */
export async function assertNotErased(
  tx: Kysely<Database>,
  secret: ErasureSecret,
  userIds: readonly UserId[],
): Promise<void> {
  assertSomebody(userIds);
  if (userIds.length === 0) return;
  const hashes = await Promise.all(userIds.map((userId) => secret.hashOf(userId)));
  const { rows } = await sql<{ is_any: boolean }>`
    select any_erased(${hashes}::bytea[]) as is_any`.execute(tx);
  if (rows[0]?.is_any === true) throw erased();
}

export function assertSomebody(userIds: readonly UserId[]): void {
  if (userIds.includes(NOBODY)) throw new KahaError('INVALID_REQUEST', 'Nobody is no user');
}

export function erased(): KahaError {
  return new KahaError('CONFLICT', 'A user was erased');
}

import { type Kysely, sql } from 'kysely';
import type { OfDevice } from '../../../shared/contracts/store-ops.ts';
import { type AddressCipher, createAddressCipher } from '../content/address-cipher.ts';
import type { Database } from '../database/schema.ts';
import type { KeysJob, Outcome } from './rotate-keys.ts';

type Row = OfDevice & { key_id: string; address: Buffer; token_hash: Buffer };
type Resealed = { row: Row; address: Buffer; hash: Buffer };

const BATCH_MAX = 1_000;

/**
 * Seals every address of pushes that is under another content key with the first one, and finds its
 * token by a hash under that key. A device that registers meanwhile wins, because a row is written
 * only if it is still as it was read. A row that somebody has locked is left to the next pass, and
 * the last pass finds nothing more to do. Each batch is a statement, so the command may end at any
 * moment.
 */
export async function resealAddresses(job: KeysJob): Promise<Outcome> {
  const addresses = createAddressCipher(job.contentKeys);
  for (let done = 0; ; ) {
    const pass = await resealOnce(job, addresses);
    done += pass.done;
    if (pass.done > 0) job.tell(`${done} addresses of pushes sealed anew`);
    else return { done, left: pass.left };
  }
}

async function resealOnce(job: KeysJob, addresses: AddressCipher): Promise<Outcome> {
  const { db, batchMax = BATCH_MAX } = job;
  const all: Outcome = { done: 0, left: 0 };
  for (let after: Row | undefined; ; ) {
    const rows = await selectOld(db, { after, keyId: addresses.keyId, limit: batchMax });
    if (rows.length === 0) return all;
    const done = await write(db, addresses.keyId, rows.flatMap(resealWith(addresses)));
    all.done += done;
    all.left += rows.length - done;
    after = rows.at(-1);
  }
}

type Place = { after: Row | undefined; keyId: string; limit: number };

async function selectOld(db: Kysely<Database>, { after, keyId, limit }: Place): Promise<Row[]> {
  const isBehind =
    after === undefined
      ? sql`true`
      : sql`(user_id, device_id) > (${after.user_id}::uuid, ${after.device_id})`;
  const { rows } = await sql<Row>`
    select user_id, device_id, key_id, address, token_hash from push_registrations
    where key_id <> ${keyId} and ${isBehind}
    order by user_id, device_id limit ${limit}`.execute(db);
  return rows;
}

/** An address that cannot be opened stays as it is. */
function resealWith(addresses: AddressCipher): (row: Row) => Resealed[] {
  return (row) => {
    try {
      const address = addresses.open(row.address, row.key_id, row);
      return [{ row, address: addresses.seal(address, row), hash: addresses.hashesOf(address)[0] }];
    } catch {
      return []; // The caller counts the row as left.
    }
  };
}

async function write(
  db: Kysely<Database>,
  keyId: string,
  resealed: readonly Resealed[],
): Promise<number> {
  if (resealed.length === 0) return 0;
  const { numAffectedRows = 0n } = await sql`
    with n as materialized (
      select n.* from unnest(${resealed.map(({ row }) => row.user_id)}::uuid[],
      ${resealed.map(({ row }) => row.device_id)}::text[],
      ${resealed.map(({ row }) => row.token_hash)}::bytea[],
      ${resealed.map(({ address }) => address)}::bytea[],
      ${resealed.map(({ hash }) => hash)}::bytea[])
        as n (user_id, device_id, old_hash, address, hash)
      join push_registrations p using (user_id, device_id)
      where p.token_hash = n.old_hash and p.key_id <> ${keyId}
      for update of p skip locked)
    update push_registrations p
    set address = n.address, token_hash = n.hash, key_id = ${keyId}
    from n where p.user_id = n.user_id and p.device_id = n.device_id`.execute(db);
  return Number(numAffectedRows);
}

import { type Kysely, sql, type Transaction } from 'kysely';
import type { ContentKey } from '../content/content-keys.ts';
import { type KeyPlace, unwrapKey, wrapKey } from '../content/conversation-key.ts';
import type { Database } from '../database/schema.ts';

export type KeysJob = {
  db: Kysely<Database>;
  contentKeys: readonly ContentKey[];
  /** Hears of each batch how much is done. */
  tell: (line: string) => void;
  /** A test shortens the batches. */
  batchMax?: number;
};
/** Nobody can read what is left, or others have changed it meanwhile. It stays as it is. */
export type Outcome = { done: number; left: number };

type Row = KeyPlace & { key_id: string; wrapped: Buffer };
type Pass = { waits: boolean };

const BATCH_MAX = 1_000;
/** The keys of all conversations come behind this place. */
const FIRST: KeyPlace = {
  conversation_id: '00000000-0000-0000-0000-000000000000' as KeyPlace['conversation_id'],
  generation: 0,
};

/**
 * Wraps every key of a conversation that is under another content key with the first one. Each
 * batch is a transaction, so the command may end at any moment, and what it has done is done.
 * Nobody waits for it: writers of texts read the rows without a lock, and the keys themselves stay
 * the same. The first pass leaves out what another rotation has locked. The last one waits for it,
 * and does what the other one has not done.
 */
export async function rotateKeys(job: KeysJob): Promise<Outcome> {
  const first = await rotateAll(job, { waits: false });
  const last = await rotateAll(job, { waits: true });
  return { done: first.done + last.done, left: last.left };
}

async function rotateAll(job: KeysJob, pass: Pass): Promise<Outcome> {
  const all: Outcome = { done: 0, left: 0 };
  for (let after: KeyPlace | undefined = FIRST; after !== undefined; ) {
    const from: KeyPlace = after;
    const rotate = (tx: Transaction<Database>) => rotateBatch(tx, job, { ...pass, from });
    const { last, done, left } = await job.db.transaction().execute(rotate);
    all.done += done;
    all.left += left;
    if (done > 0) job.tell(`${all.done} keys wrapped anew`);
    after = last;
  }
  return all;
}

async function rotateBatch(
  tx: Transaction<Database>,
  { contentKeys, batchMax = BATCH_MAX }: KeysJob,
  { waits, from: { conversation_id, generation } }: Pass & { from: KeyPlace },
): Promise<Outcome & { last: KeyPlace | undefined }> {
  const [current] = contentKeys;
  if (current === undefined) throw new Error('no content key');
  const { rows } = await sql<Row>`
    select conversation_id, generation, key_id, wrapped from content_keys
    where (conversation_id, generation) > (${conversation_id}::uuid, ${generation}::int)
      and key_id <> ${current.id} and wrapped is not null
    order by conversation_id, generation limit ${batchMax}
    for update ${sql.raw(waits ? '' : 'skip locked')}`.execute(tx);
  const byId = new Map(contentKeys.map(({ id, key }) => [id, key]));
  const wrapped = rows.flatMap((row) => {
    const key = open(row, byId);
    return key === undefined ? [] : { row, wrapped: wrapKey(key, current.key, row) };
  });
  const done = wrapped.length;
  if (done > 0) {
    await sql`
      update content_keys k set key_id = ${current.id}, wrapped = w.wrapped
      from unnest(${wrapped.map(({ row }) => row.conversation_id)}::uuid[],
        ${wrapped.map(({ row }) => row.generation)}::int[],
        ${wrapped.map((one) => one.wrapped)}::bytea[]) as w (conversation_id, generation, wrapped)
      where k.conversation_id = w.conversation_id and k.generation = w.generation`.execute(tx);
  }
  return { done, left: rows.length - done, last: rows.at(-1) };
}

function open(row: Row, byId: ReadonlyMap<string, Buffer>): Buffer | undefined {
  const contentKey = byId.get(row.key_id);
  if (contentKey === undefined) return undefined;
  try {
    return unwrapKey(row.wrapped, contentKey, row);
  } catch {
    return undefined; // The caller counts a key that is damaged with those that are unknown.
  }
}

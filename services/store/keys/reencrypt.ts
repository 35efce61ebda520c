import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { steadyMs } from '../../../shared/process/clock.ts';
import {
  type ContentCipher,
  encrypt,
  type MessageCipherPlace,
  type WritingCipher,
} from '../content/content-cipher.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import {
  MESSAGES,
  type NewTexts,
  type OldRow,
  type OldTable,
  REVISIONS,
} from './reencrypt-rows.ts';
import type { KeysJob, Outcome } from './rotate-keys.ts';

type Job = Omit<KeysJob, 'contentKeys'> & {
  ciphers: Pick<ContentCiphers, 'openToWrite' | 'forget'>;
  /** The command leaves the rest of the time to others. */
  rowsPerS: number;
};

/** A batch has at most 250 texts of 8 KiB with metadata of 4 KiB, read and written. */
const BATCH_MAX = 250;
/** A batch finds its rows by primary key, whatever Postgres believes to be in the tables. */
const BY_PRIMARY_KEY = `select set_config('enable_seqscan', 'off', true),
  set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`;
/** Each pass moves what the one before left because others had changed it. */
const PASSES_MAX = 5;

/**
 * Moves texts that a content key itself encrypted to the keys of their conversations. A row that an
 * edit, a deletion or another such command has changed since it was read stays as those left it.
 * Rows that are done are not read again, so the command may end at any moment and be repeated.
 */
export async function reencrypt(job: Job): Promise<Outcome> {
  const all: Outcome = { done: 0, left: 0 };
  for (const table of [MESSAGES, REVISIONS]) {
    for (let passes = 1; ; passes += 1) {
      const { done, changed, unreadable } = await moveTable(job, table);
      all.done += done;
      if (changed > 0 && passes < PASSES_MAX) continue;
      all.left += changed + unreadable;
      break;
    }
  }
  return all;
}

/** Rows that have changed since they were read, and rows that cannot be read, are left. */
type Moved = { done: number; changed: number; unreadable: number };

async function moveTable(job: Job, table: OldTable): Promise<Moved> {
  const { batchMax = BATCH_MAX } = job;
  const all: Moved = { done: 0, changed: 0, unreadable: 0 };
  let last: OldRow | undefined;
  for (;;) {
    const beganAt = steadyMs();
    const rows = await table.select(job.db, last, batchMax);
    if (rows.length === 0) return all;
    const moved = await moveBatch(job, table, rows);
    all.done += moved.done;
    all.changed += moved.changed;
    all.unreadable += moved.unreadable;
    job.tell(`${all.done} ${table.name} moved`);
    last = rows.at(-1);
    const pauseMs = (rows.length / job.rowsPerS) * 1_000 - (steadyMs() - beganAt);
    if (pauseMs > 0) await delay(pauseMs);
  }
}

async function moveBatch(job: Job, table: OldTable, rows: readonly OldRow[]): Promise<Moved> {
  const { ciphers } = job;
  const ids = [...new Set(rows.map(({ conversation_id }) => conversation_id))];
  const opened = await Promise.all(ids.map((id) => ciphers.openToWrite(id)));
  const byId = new Map(ids.map((id, index) => [id, opened[index]]));
  const texts = rows.flatMap((row) => {
    const cipher = byId.get(row.conversation_id);
    return (cipher && sealRow(row, cipher, table)) ?? [];
  });
  const done = texts.length === 0 ? 0 : await write(job, table, texts);
  const changed = texts.length - done;
  // One of the keys may be gone, and the next pass must not use it again.
  if (changed > 0) for (const cipher of opened) if (cipher) ciphers.forget(cipher.key);
  return { done, changed, unreadable: rows.length - texts.length };
}

/** The result is undefined if the row cannot be read. */
function sealRow(row: OldRow, cipher: WritingCipher, table: OldTable): NewTexts | undefined {
  const { conversation_id, message_id, version } = row;
  const { place, madeAt } = cipher.key;
  const move = (sealed: Buffer | null, field: MessageCipherPlace['field']): Buffer | null => {
    if (sealed === null) return null;
    const bare = { conversation_id, message_id, field };
    const own = table.hasVersions ? { ...bare, version } : bare;
    return encrypt(read(sealed, row.key_id, { cipher, places: [own, bare] }), cipher, own);
  };
  try {
    const content = move(row.content, 'content');
    const metadata = move(row.metadata, 'metadata');
    return { row, content, metadata, generation: place.generation, madeAt };
  } catch {
    return undefined; // The caller counts the row.
  }
}

type Reading = { cipher: ContentCipher; places: [MessageCipherPlace, MessageCipherPlace] };

/** A text that nobody could read when it was replaced is kept as its message had it. */
function read(sealed: Buffer, keyId: string, { cipher, places: [own, bare] }: Reading): string {
  try {
    return cipher.decrypt(sealed, keyId, own);
  } catch {
    return cipher.decrypt(sealed, keyId, bare);
  }
}

/**
 * The conversations are locked as a change of a message locks them, so that no erasure comes
 * between the look at the key and the commit. Sends do not wait for that lock.
 */
async function write({ db }: Job, table: OldTable, texts: readonly NewTexts[]): Promise<number> {
  const ids = texts.map(({ row }) => row.conversation_id);
  return await db.transaction().execute(async (tx) => {
    await sql.raw(BY_PRIMARY_KEY).execute(tx);
    await sql`select from conversations where conversation_id = any(${ids}::uuid[])
      order by conversation_id for key share`.execute(tx);
    return await table.write(tx, texts);
  });
}

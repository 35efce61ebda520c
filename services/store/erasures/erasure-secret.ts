import { randomBytes } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { erasedHash } from '../../../shared/erased-hash.ts';
import type { UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ContentKey } from '../content/content-keys.ts';
import { deriveKey } from '../content/derived-key.ts';
import { seal, unseal } from '../content/sealed-text.ts';
import type { Database } from '../database/schema.ts';

type Deps = { db: Kysely<Database>; contentKeys: readonly ContentKey[]; logger: Logger };
type Row = { key_id: string; wrapped: Buffer };

const SECRET_BYTES = 32;
const HASH_BYTES = 16;
/** A content key that is missing is missed with each request, and logged this rarely. */
const LOG_GAP_MS = 60_000;
const PLACE = 'erasures/secret';

/**
 * Users who were erased are known by hashes, and this secret is the key of the hashes. It is made
 * once and never changes, so a hash can be checked for ever. Postgres has it wrapped by a content
 * key. A store that finds it wrapped by another key than the first wraps it anew, so a content key
 * may go once stores have started with its successor as the first. If that content key is lost all
 * the same, the users who were erased are not recognised any more, and nothing else stops.
 */
export class ErasureSecret {
  readonly #deps: Deps;
  #loading: Promise<Buffer | undefined> | undefined;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** The hash is nobody's if the secret is missing. */
  async hashOf(userId: UserId): Promise<Buffer> {
    const secret = await this.get();
    return secret === undefined ? randomBytes(HASH_BYTES) : erasedHash(secret, userId);
  }

  /** Rejects if Postgres is away. The result is undefined if the secret cannot be unwrapped. */
  async get(): Promise<Buffer | undefined> {
    this.#loading ??= this.#load();
    let secret: Buffer | undefined;
    try {
      secret = await this.#loading;
    } finally {
      if (secret === undefined) this.#loading = undefined;
    }
    return secret;
  }

  async #load(): Promise<Buffer | undefined> {
    const { db, contentKeys } = this.#deps;
    const [current] = contentKeys;
    if (current === undefined) throw new Error('no content key');
    const row = (await select(db)) ?? (await this.#make(current));
    if (!contentKeys.some(({ id }) => id === row.key_id)) return this.#miss(row.key_id);
    const secret = openSecret(row, contentKeys);
    if (row.key_id !== current.id) {
      await sql`update erasure_secret
        set key_id = ${current.id}, wrapped = ${seal(secret, sealingOf(current))}
        where key_id = ${row.key_id}`.execute(db);
    }
    return secret;
  }

  #miss(keyId: string): undefined {
    const nowMs = steadyMs();
    if (nowMs - this.#loggedAtMs < LOG_GAP_MS) return;
    this.#loggedAtMs = nowMs;
    const message = 'users who were erased are not recognised: their content key is missing';
    this.#deps.logger.error({ key_id: keyId }, message);
  }

  async #make(current: ContentKey): Promise<Row> {
    const { db } = this.#deps;
    const wrapped = seal(randomBytes(SECRET_BYTES), sealingOf(current));
    await sql`insert into erasure_secret (key_id, wrapped) values (${current.id}, ${wrapped})
      on conflict do nothing`.execute(db);
    // Another store may have made it at the same time.
    return (await select(db)) as Row;
  }
}

/** Throws if the content key that wraps the secret is not configured. */
export function openSecret({ key_id, wrapped }: Row, contentKeys: readonly ContentKey[]): Buffer {
  const known = contentKeys.find(({ id }) => id === key_id);
  if (known === undefined) throw new Error(`content key ${key_id} is not configured`);
  return unseal(wrapped, sealingOf(known));
}

async function select(db: Kysely<Database>): Promise<Row | undefined> {
  const { rows } = await sql<Row>`select key_id, wrapped from erasure_secret`.execute(db);
  return rows[0];
}

function sealingOf({ key }: ContentKey) {
  return { key: deriveKey(key, 'erasures', 'secret'), place: PLACE };
}

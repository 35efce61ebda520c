import type { Kysely } from 'kysely';
import type { Logger } from '../../../shared/process/logger.ts';
import type { AppendRow, SealedMessage } from '../append/append-writer.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { readNewest } from './read-newest.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers; logger: Logger };

/**
 * A transaction may be committed although its answer is lost. The next try finds the messages of
 * this conversation with the ids that it brings itself, and nobody knows of their step. So this
 * adds the step to the rows, if it is the newest of its business still. If it is not, those who
 * watch the inbox see that a version is missing. A failure leaves the rows as they are.
 */
export async function tellAgain(
  deps: Deps,
  messages: readonly SealedMessage[],
  rows: readonly AppendRow[],
): Promise<AppendRow[]> {
  const own = rows.findIndex(
    ({ status, message_id }, index) =>
      status === 'duplicate' && message_id === messages[index]?.message_id,
  );
  const message = messages[own];
  if (message === undefined) return [...rows];
  const step = await readStep(deps, message).catch((error: unknown) => {
    deps.logger.debug({ err: error }, 'step not told again');
    return undefined;
  });
  return rows.map((row, index) => (index === own && step ? { ...row, step } : row));
}

async function readStep(
  deps: Deps,
  { conversation_id }: SealedMessage,
): Promise<AppendRow['step']> {
  const { business_id } = await deps.db
    .selectFrom('conversations')
    .select('business_id')
    .where('conversation_id', '=', conversation_id)
    .executeTakeFirstOrThrow();
  if (business_id === null) return undefined;
  const { step } = await readNewest(deps, { business_id });
  if (step?.conversation_id !== conversation_id) return undefined;
  const { change } = step;
  if (change !== 'added' && change !== 'updated') return undefined;
  return { inbox: [{ ...step, is_due: change === 'added', reason: 'message' }] };
}

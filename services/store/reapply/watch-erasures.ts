import type { Kysely } from 'kysely';
import { KahaError } from '../../../shared/errors.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Database } from '../database/schema.ts';
import type { ErasureStream } from './erasure-stream.ts';
import { findMissing, notedUpTo } from './find-missing.ts';
import { recordAgain } from './record-again.ts';

type Deps = { db: Kysely<Database>; stream: ErasureStream; logger: Logger };
export type ErasureWatch = {
  /** The result says why no operation may be served, or is undefined. */
  problem(): string | undefined;
  /** Throws DATABASE_UNAVAILABLE as long as there is a problem. */
  assertComplete(): void;
  close(): Promise<void>;
};

const POLL_MS = 2_000;
const PROBLEM_POLL_MS = 500;
const RETRY_AFTER_S = 2;

/**
 * A store serves nothing before it has compared the erasures that NATS has recorded with those that
 * its database knows, and nothing as long as one is missing there. Later it looks every 2 s whether
 * the database went back, as by a restore, and then compares again.
 */
export async function watchErasures(deps: Deps): Promise<ErasureWatch> {
  const { logger } = deps;
  let problem: string | undefined = 'erasures not compared';
  let noted: number | undefined;
  const check = async (): Promise<void> => {
    const found = await look(deps, problem === undefined ? noted : undefined);
    if (found.problem !== problem) logger.info({ problem: found.problem }, 'erasures compared');
    ({ problem, noted } = { noted, ...found });
  };
  await check();
  let checking: Promise<void> | undefined;
  let timer: NodeJS.Timeout;
  const schedule = (): void => {
    timer = setTimeout(
      () => {
        checking = check().then(schedule);
      },
      problem === undefined ? POLL_MS : PROBLEM_POLL_MS,
    );
  };
  schedule();
  return {
    problem: () => problem,
    assertComplete() {
      if (problem === undefined) return;
      throw new KahaError('DATABASE_UNAVAILABLE', problem, { retryAfterS: RETRY_AFTER_S });
    },
    async close() {
      await checking;
      clearTimeout(timer);
    },
  };
}

type Look = { problem: string | undefined; noted?: number };

/** `known` is what the database had noted when nothing was missing last. */
async function look({ db, stream, logger }: Deps, known: number | undefined): Promise<Look> {
  try {
    const noted = await notedUpTo(db);
    if (known !== undefined && noted >= known) return { problem: undefined, noted };
    await replaceLost({ db, stream, logger }, noted);
    const missing = await findMissing({ db, stream });
    if (missing.length === 0) return { problem: undefined, noted };
    const count = `${missing.length} erasure${missing.length === 1 ? '' : 's'}`;
    return { problem: `${count} missing in the database: run "retention -- reapply"` };
  } catch (error) {
    logger.debug({ err: error }, 'erasures not compared');
    // A database that is away now was complete before, and is looked at again once it is back.
    if (known !== undefined) return { problem: undefined, noted: known };
    return { problem: 'erasures not compared' };
  }
}

/** Another store may be replacing them, too. Then this one leaves it to that. */
async function replaceLost({ db, stream, logger }: Deps, noted: number): Promise<void> {
  let lastSeq = (await stream.ends())?.lastSeq;
  if (lastSeq === undefined || lastSeq >= noted) return;
  logger.error('NATS has lost records of erasures, which are recorded once more');
  while (lastSeq !== undefined && (await recordAgain({ db, stream }, lastSeq))) {
    lastSeq = (await stream.ends())?.lastSeq;
  }
}

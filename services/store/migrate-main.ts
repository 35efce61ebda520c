import { pino } from 'pino';
import { loadOrExit } from '../../shared/process/process.ts';
import { loadMigrateConfig } from './config.ts';
import { openDatabase } from './database/database.ts';
import { migrate, untilUp } from './database/migrate.ts';

/** This is long enough to build an index on a large table. */
const STATEMENT_TIMEOUT_MS = 3_600_000;
/** A concurrent migration holds the lock; this is long enough for it to finish. */
const LOCK_TIMEOUT_MS = 60_000;

/** Postgres and the migration often start together, so the migration waits this long for it. */
const STARTING_MAX_MS = 30_000;

/**
 * The migration command must run before the services of its version; no service runs it. It exits
 * with status 0 when the schema is up to date.
 */
const { database } = loadOrExit({ env: process.env, loadConfig: loadMigrateConfig });
const { db, close } = openDatabase({
  ...database,
  statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  lockTimeoutMs: LOCK_TIMEOUT_MS,
  logger: pino({ name: 'migrate' }),
});
try {
  await untilUp(db, Date.now() + STARTING_MAX_MS);
  for (const line of await migrate(db)) process.stdout.write(`${line}\n`);
} catch (error) {
  process.stderr.write(`migration failed: ${String(error)}\n`);
  process.exitCode = 1;
} finally {
  await close();
}

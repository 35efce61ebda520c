import { pino } from 'pino';
import { loadOrExit } from '../../shared/process/process.ts';
import { loadMigrateConfig } from './config.ts';
import { openDatabase } from './database/database.ts';
import { migrate, untilUp } from './database/migrate.ts';

/** Long enough for an index on a large table. */
const STATEMENT_TIMEOUT_MS = 3_600_000;
/** Long enough for the other one of two that run at once. */
const LOCK_TIMEOUT_MS = 60_000;

/** Postgres and the migration are often started together. */
const STARTING_MAX_MS = 30_000;

/** The migration command: never run by a service, always before one. Exit status 0 when done. */
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

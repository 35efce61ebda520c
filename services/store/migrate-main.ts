import { steadyMs } from '../../shared/process/clock.ts';
import { runCommand } from '../../shared/process/process.ts';
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
await runCommand({
  name: 'migrate',
  env: process.env,
  loadConfig: loadMigrateConfig,
  async run({ database }, logger) {
    const timeouts = { statementTimeoutMs: STATEMENT_TIMEOUT_MS, lockTimeoutMs: LOCK_TIMEOUT_MS };
    const options = { ...database, ...timeouts, applicationName: 'kaha-migrate' };
    const { db, close } = openDatabase({ ...options, logger });
    try {
      await untilUp(db, steadyMs() + STARTING_MAX_MS);
      for (const line of await migrate(db)) logger.info(line);
    } finally {
      await close();
    }
  },
});

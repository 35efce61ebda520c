import { parseArgs } from 'node:util';
import type { Env } from '../../../shared/process/env.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { loadOrExit } from '../../../shared/process/process.ts';
import { loadRetentionConfig } from '../config.ts';
import { openDatabase } from '../database/database.ts';
import { reapplyWith } from '../reapply/reapply-program.ts';
import { planExpiry } from './plan-expiry.ts';
import { toPlanText } from './plan-text.ts';

const HELP = `What goes when its time is over, and what must go again after a restore.

  npm run -s retention -- --dry-run   says what the service retention would let go now
  npm run -s retention -- reapply     repeats erasures of which a restored database knows nothing

The first reads DATABASE_URL, RETENTION_DAYS and RETENTION_GRACE_DAYS as store does. Nothing is
changed. Each message that would go is counted, which takes some seconds for a million of them.

The second also reads CONTENT_KEYS, NATS_URL, NATS_NKEY_SEED and REDIS_URL as store does. Stores
serve nothing until it has repeated what NATS has recorded and the database lacks. It may be
interrupted and repeated. npm takes what is not set from the running stack.

Exits with 0, or with 1 if it failed.
`;

/** The command counts each message of partitions that go. */
const STATEMENT_TIMEOUT_MS = 3_600_000;

/** Does what the arguments say, and resolves with the status that the process exits with. */
export async function runRetentionProgram(args: readonly string[], env: Env): Promise<0 | 1> {
  const asked = readArguments(args);
  if (asked === 'dry-run') return await dryRun(env);
  if (asked === 'reapply') return await reapplyWith(env);
  const out = asked === 'help' ? process.stdout : process.stderr;
  out.write(HELP);
  return asked === 'help' ? 0 : 1;
}

function readArguments(args: readonly string[]): 'dry-run' | 'reapply' | 'help' | 'unknown' {
  if (args.length === 1 && args[0] === 'reapply') return 'reapply';
  try {
    const flag = { type: 'boolean', default: false } as const;
    const { values } = parseArgs({ args: [...args], options: { help: flag, 'dry-run': flag } });
    if (values.help) return 'help';
    return values['dry-run'] ? 'dry-run' : 'unknown';
  } catch {
    return 'unknown'; // `parseArgs` throws on an unknown option.
  }
}

async function dryRun(env: Env): Promise<0 | 1> {
  const config = loadOrExit({ env, loadConfig: loadRetentionConfig });
  const { database, retentionDays: days, graceDays } = config;
  const naming = { service: 'retention', instance: 'dry-run', level: 'warn', hashKey: 'dry-run' };
  const logger = createLogger(naming, { write: (line) => process.stderr.write(line) });
  const naked = { statementTimeoutMs: STATEMENT_TIMEOUT_MS, applicationName: 'kaha-retention' };
  const { db, close } = openDatabase({ ...database, ...naked, logger });
  try {
    const policy = { days, graceDays, pooling: database.pooling };
    process.stdout.write(toPlanText(await planExpiry(db, policy), policy));
    return 0;
  } catch (error) {
    process.stderr.write(`failed: ${(error as Error).message}\n`);
    return 1;
  } finally {
    await close();
  }
}

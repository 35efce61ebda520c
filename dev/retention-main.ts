import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runRetentionProgram } from '../services/store/expiry/retention-program.ts';
import { readSecrets } from './servers/secrets.ts';
import { readStackFile } from './stack/stack-file.ts';

const RUN_DIR = '.run';
const DATA_DIR = '.data';

/**
 * `npm run retention` is the command of the image. What the environment lacks is that of the
 * running stack.
 */
const args = process.argv.slice(2);
process.exitCode = await runRetentionProgram(args, { ...process.env, ...missing() });

function missing(): Record<string, string> {
  const isNamed = 'DATABASE_URL' in process.env || 'DATABASE_URL_FILE' in process.env;
  if (isNamed || !args.some((one) => one === '--dry-run' || one === 'reapply')) return {};
  try {
    const { database, nats, redis } = readStackFile(RUN_DIR).urls;
    if (!args.includes('reapply')) return { DATABASE_URL: database };
    return {
      ...{ DATABASE_URL: database, NATS_URL: nats, REDIS_URL: redis },
      CONTENT_KEYS: readSecrets(DATA_DIR).contentKeys,
      NATS_NKEY_SEED: readFileSync(join(DATA_DIR, 'nats', 'store.seed'), 'utf8').trim(),
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return {};
  }
}

import { runRetentionProgram } from '../services/store/expiry/retention-program.ts';
import { readStackFile } from './stack/stack-file.ts';

const RUN_DIR = '.run';

/**
 * `npm run retention` is the command of the image. What the environment lacks is that of the
 * running stack.
 */
const args = process.argv.slice(2);
process.exitCode = await runRetentionProgram(args, { ...process.env, ...missing() });

function missing(): Record<string, string> {
  const isNamed = 'DATABASE_URL' in process.env || 'DATABASE_URL_FILE' in process.env;
  if (isNamed || !args.includes('--dry-run')) return {};
  try {
    return { DATABASE_URL: readStackFile(RUN_DIR).urls.database };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return {};
  }
}

import { runKeysProgram } from '../services/store/keys/keys-program.ts';
import { readSecrets } from './servers/secrets.ts';
import { readStackFile } from './stack/stack-file.ts';

const RUN_DIR = '.run';
const DATA_DIR = '.data';

/**
 * `npm run keys` is the command of the image. What the environment lacks is that of the running
 * stack.
 */
const args = process.argv.slice(2);
process.exitCode = await runKeysProgram(args, { ...process.env, ...missing() });

function missing(): Record<string, string> {
  const lacks = (name: string): boolean =>
    ![name, `${name}_FILE`].some((one) => one in process.env);
  if (args.includes('--help') || !lacks('DATABASE_URL')) return {};
  try {
    const { database } = readStackFile(RUN_DIR).urls;
    const { contentKeys } = readSecrets(DATA_DIR);
    return { DATABASE_URL: database, ...(lacks('CONTENT_KEYS') && { CONTENT_KEYS: contentKeys }) };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return {};
  }
}

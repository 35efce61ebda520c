import type { Env } from '../../../shared/process/env.ts';
import { loadOrExit } from '../../../shared/process/process.ts';
import { loadKeysConfig } from '../config.ts';
import { HELP, readKeysCommand } from './keys-command.ts';
import { runKeys } from './run-keys.ts';

/** Does what the arguments say, and resolves with the status that the process exits with. */
export async function runKeysProgram(args: readonly string[], env: Env): Promise<0 | 1> {
  const command = readKeysCommand(args);
  if (command.kind === 'help') {
    const out = command.isAsked ? process.stdout : process.stderr;
    out.write(HELP);
    return command.isAsked ? 0 : 1;
  }
  const config = loadOrExit({ env, loadConfig: loadKeysConfig });
  return await runKeys(command, config, {
    print: (text) => process.stdout.write(text),
    tell: (line) => process.stderr.write(`${line}\n`),
  });
}

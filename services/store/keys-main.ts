import { runKeysProgram } from './keys/keys-program.ts';

/** The command changes keys and tells about them, see its help. It may end at any moment. */
process.exitCode = await runKeysProgram(process.argv.slice(2), process.env);

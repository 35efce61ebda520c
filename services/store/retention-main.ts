import { runRetentionProgram } from './expiry/retention-program.ts';

/** The command tells what the service retention would let go, see its help. */
process.exitCode = await runRetentionProgram(process.argv.slice(2), process.env);
